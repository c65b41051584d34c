package main

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/rules"
	"ostiary/rules/repository"
)

// ruleSettings are what the configuration says about rules. Their handlers ask
// other services through the transport.
func ruleSettings(c *config.Config, services http.RoundTripper) (rules.Settings, error) {
	servers, err := ruleServers(c.AccessRules.Servers)
	return rules.Settings{
		Repositories:         c.AccessRules.Repositories,
		Servers:              servers,
		Poll:                 rules.Poll{Every: c.AccessRules.Poll.Interval, Timeout: c.AccessRules.Poll.Timeout},
		CacheDirectory:       c.AccessRules.CacheDirectory,
		MinimumRules:         c.AccessRules.Minimum,
		Strategy:             rules.Strategy(c.AccessRules.MatchingStrategy),
		Strict:               c.AccessRules.Strict,
		NoMatch:              c.AccessRules.NoMatch,
		RefuseOverlaps:       c.AccessRules.OnOverlap == "error",
		RefuseDoubleEncoding: c.AccessRules.DoubleEncoding == "refuse",
		GuardIdentity:        c.AccessRules.IdentityHeaders == "all",
		Handlers:             allHandlers,
		Pipeline:             pipelineSettings(c),
		Environment:          pipeline.Environment{Transport: services, Now: time.Now, Globs: c.AccessRules.MatchingStrategy == string(rules.Glob)},
	}, err
}

// ruleServers are the web servers with rules that the configuration tells about.
func ruleServers(configured []config.Server) (servers repository.Servers, err error) {
	for i, server := range configured {
		address, err := url.Parse(server.URL)
		if err != nil {
			at := document.Path{"access_rules", "servers", strconv.Itoa(i), "url"}
			return nil, document.Problems{{Path: at, Message: "is not a URL such as https://rules.example.com/"}}
		}
		servers = append(servers, repository.Server{
			URL: address, Headers: server.Headers, BearerTokenFile: server.BearerTokenFile, TLS: repository.TLS(server.TLS),
		})
	}
	return servers, nil
}
