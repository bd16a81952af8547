// Package liveresize writes URLs of images on a liveresize server, and their signatures.
//
//	liveresize.URL("cat", 400, 300, map[string]string{"fit": "crop"}, liveresize.Options{})
//	liveresize.Sign("/cat_400_300.jpg", key, time.Now().Unix()+600)
package liveresize

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"sort"
	"strings"
)

// Signed has every parameter that a signature covers.
var Signed = strings.Fields(`
	fit gravity rect trim quality max_bytes blur sharpen brightness contrast saturation pixelate tint
	grey overlay rotate flip bg radius pad enlarge animate colour hdr allow_webp proxy version exp held
	preset`)

// Options of a URL. Density 0 is 1; Format "" is auto, and "original" is no extension.
type Options struct {
	Base    string
	Density int
	Format  string
}

// URL returns the URL of an image in a box. A side of 0 is calculated, both 0 is its own size.
func URL(name string, width, height int, parameters map[string]string, options Options) string {
	path := "/" + escape(name)
	if width > 0 || height > 0 {
		path += fmt.Sprintf("_%d_%d", width, height)
		if options.Density > 1 {
			path += fmt.Sprintf("_%dx", options.Density)
		}
	}
	switch options.Format {
	case "":
		path += ".auto"
	case "original":
	default:
		path += "." + options.Format
	}
	pairs := make([]string, 0, len(parameters))
	for each, value := range parameters {
		pairs = append(pairs, each+"="+escape(value))
	}
	sort.Strings(pairs)
	if len(pairs) > 0 {
		path += "?" + strings.Join(pairs, "&")
	}
	return strings.TrimSuffix(options.Base, "/") + path
}

// Sign signs a path with its query, until exp (Unix seconds) unless that is 0.
func Sign(path, key string, exp int64) (string, error) {
	before, query, _ := strings.Cut(path, "?")
	pairs := []string{}
	for _, pair := range strings.Split(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if pair != "" && name != "sig" && (exp == 0 || name != "exp") {
			pairs = append(pairs, pair)
		}
	}
	if exp != 0 {
		pairs = append(pairs, fmt.Sprintf("exp=%d", exp))
	}
	values := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if _, found := values[name]; found || !isSigned(name) {
			continue
		}
		decoded, err := url.PathUnescape(value)
		if err != nil {
			return "", err
		}
		values[name] = name + "=" + escape(decoded)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	sorted := make([]string, 0, len(names))
	for _, name := range names {
		sorted = append(sorted, values[name])
	}
	segments := strings.Split(before, "/")
	for at, each := range segments {
		decoded, err := url.PathUnescape(each)
		if err != nil {
			return "", err
		}
		segments[at] = escape(decoded)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join(segments, "/") + "?" + strings.Join(sorted, "&")))
	pairs = append(pairs, "sig="+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	return before + "?" + strings.Join(pairs, "&"), nil
}

func isSigned(name string) bool {
	for _, each := range Signed {
		if each == name {
			return true
		}
	}
	return false
}

// escape escapes all but letters, digits and -._~.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
