# Varnish in front of liveresize: see README.md beside this file.

vcl 4.1;

import std;

backend default {
    .host = "127.0.0.1";
    .port = "1337";
    # A picture that is rendered for the first time may take so long.
    .first_byte_timeout = 60s;
}

# The instances of liveresize, which tell this server what to drop.
acl liveresize {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "BAN" || req.method == "PURGE") {
        if (client.ip !~ liveresize) {
            return (synth(403, "Not from here"));
        }
        if (req.method == "PURGE") {
            return (purge);
        }
        # A tag is a name as URLs have it: nothing else in it could become a part of the expression.
        if (req.http.X-Cache-Tag !~ "^[A-Za-z0-9_.~%-]+$") {
            return (synth(400, "No tag"));
        }
        # Of `obj` alone, so that the ban lurker can remove what nobody requests.
        if (!std.ban("obj.http.Cache-Tag == " + req.http.X-Cache-Tag)) {
            return (synth(500, "Not banned"));
        }
        return (synth(200, "Banned"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # What administrators see is for them alone (vcl_recv of Varnish passes requests with
    # Authorization); no answer for others depends on cookies.
    if (!req.http.Authorization) {
        unset req.http.Cookie;
    }
    # Probes and metrics.
    if (req.url ~ "^/_(health|live|ready|metrics)") {
        return (pass);
    }
}

sub vcl_backend_response {
    # Errors are no-store; none of them is kept, not even for the seconds of a hit-for-miss. A 404
    # that shows the image of `fallback` is kept for its minute, under the tag of that image.
    if (beresp.status >= 400 && !beresp.http.X-Fallback) {
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
        return (deliver);
    }
    # Varnish keeps no 303 by itself, whatever its Cache-Control says.
    if (beresp.status == 303 && beresp.http.Cache-Control ~ "max-age=[0-9]") {
        set beresp.ttl = std.duration(
            regsub(beresp.http.Cache-Control, "^.*max-age=([0-9]+).*$", "\1s"), 0s);
    }
    # A picture that was deleted must not be served for a little longer.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    # Objects of a bucket behind this server have no tag: their path has the name.
    # if (!beresp.http.Cache-Tag && bereq.url ~ "^/(?:PREFIX/)?[^/]+/[0-9a-f]{28}/") {
    #     set beresp.http.Cache-Tag = regsub(bereq.url, "^/(?:PREFIX/)?([^/]+)/.*$", "\1");
    # }
}
