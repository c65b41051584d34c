// What Kratos tells POST /sessions/purge of Ostiary: whose sessions are to be looked at again.
function(ctx) { subject: ctx.identity.id }
