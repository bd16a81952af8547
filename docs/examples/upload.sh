#!/bin/sh
# Uploads a picture and fetches it 400 pixels wide:  upload.sh PICTURE ID
# SERVER is where liveresize is, SECRET its configured secret, if it has one.
set -eu

picture=$1
id=$2
server=${SERVER:-http://localhost:1337}

# In the application, which alone knows the secret: a token for this one id.
wanted=$(printf '{"id": "%s", "secret": "%s"}' "$id" "${SECRET-}")
answer=$(echo "$wanted" | curl -sS --fail-with-body --data @- "$server/token") || {
    echo "$answer" >&2
    exit 1
}
token=$(echo "$answer" | sed 's/.*"token": *"\([^"]*\)".*/\1/')

# Wherever the picture is, with the token as its leave.
curl -sS --fail-with-body --header "X-Token: $token" --form "image=@$picture" "$server/$id"
echo

# Anyone, from now on. The answer may be a redirect to where the rendition is kept.
curl -sS --fail --location --output "$id-400.jpg" "$server/${id}_400_0.jpg"
echo "$id-400.jpg"
