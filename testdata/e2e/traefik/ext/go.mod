// What Traefik calls its extension, which is empty and not among what it publishes.
module github.com/traefik/traefik/dynamic/ext

go 1.26.0
