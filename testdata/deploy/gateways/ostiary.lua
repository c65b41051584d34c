-- An action for HAProxy that asks Ostiary about a request. What is allowed goes on, with headers that say who it is;
-- whatever else is answered, or nothing, is a refusal.

-- HAProxy asks the name servers in /etc/resolv.conf for the address, so this has to be the whole name.
local question = "http://ostiary:4456/auth/haproxy"
local patience = 10000 -- milliseconds

-- The headers that tell the service who it is. Clients do not get to set them, with an underscore either.
local identity = { ["x-user"] = true, ["x-role"] = true }

-- What is about a message or a connection, and so not passed on to another one.
local own = {
	["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
	["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
}

local function is_identity(name)
	return identity[name:gsub("_", "-")]
end

local function values(list) -- HAProxy counts them from 0
	local all = {}
	for i = 0, #list do
		all[#all + 1] = list[i]
	end
	return all
end

-- Everything that the client sent counts for the decision, but for who it says it is, and what it says it asks for.
local function ask(txn)
	local headers = {}
	for name, list in pairs(txn.http:req_get_headers()) do
		if is_identity(name) then
			txn.http:req_del_header(name)
		elseif not own[name] then
			headers[name] = values(list)
		end
	end
	headers["x-forwarded-method"] = { txn.sf:method() }
	headers["x-forwarded-proto"] = { txn.sf:ssl_fc() == "1" and "https" or "http" }
	headers["x-forwarded-host"] = { txn.sf:req_hdr("host") }
	headers["x-forwarded-uri"] = { txn.sf:pathq() }
	headers["x-forwarded-for"] = { txn.sf:src() }
	return core.httpclient():get({ url = question, headers = headers, timeout = patience })
end

local function refuse(txn, decision)
	local reply = txn:reply()
	reply:set_status(503)
	if decision.status >= 300 and decision.status <= 599 then
		reply:set_status(decision.status)
		for name, list in pairs(decision.headers) do
			if not own[name] then
				for _, value in ipairs(values(list)) do
					reply:add_header(name, value)
				end
			end
		end
		reply:set_body(decision.body)
	end
	txn:done(reply)
end

-- HAProxy goes on with a request for which an action failed. So it is to look at the variable.
core.register_action("ostiary", { "http-req" }, function(txn)
	local decision = ask(txn)
	if decision.status ~= 200 then
		return refuse(txn, decision)
	end
	for name in pairs(identity) do
		for _, value in ipairs(values(decision.headers[name] or {})) do
			txn.http:req_add_header(name, value)
		end
	end
	txn:set_var("txn.ostiary_allows", true)
end, 0)
