// What Kratos' own JWT tells about a session, beside its subject and its session id.
local session = std.extVar('session');

{ claims: { team: session.identity.traits.team, aal: session.authenticator_assurance_level } }
