<?php

// URLs of images on a liveresize server, and their signatures. PHP 8.1 or newer, nothing else.
//
//   Liveresize\url("cat", 400, 300, ["fit" => "crop"], base: "https://images.example.com");
//   Liveresize\sign("/cat_400_300.jpg", $key, time() + 600);

namespace Liveresize;

/** Every parameter that a signature covers. */
const SIGNED = [
    "fit", "gravity", "rect", "trim", "quality", "max_bytes", "blur", "sharpen", "brightness", "contrast",
    "saturation", "pixelate", "tint", "grey", "overlay", "rotate", "flip", "bg", "radius", "pad", "enlarge",
    "animate", "colour", "hdr", "allow_webp", "proxy", "version", "exp", "held", "preset",
];

/** Return the URL of an image in a box; a side of 0 is calculated, and both 0 is its own size. */
function url(
    string $name,
    int $width = 0,
    int $height = 0,
    array $parameters = [],
    int $density = 1,
    string $format = "auto",
    string $base = "",
): string {
    $path = "/" . rawurlencode($name);
    if ($width || $height) {
        $path .= "_{$width}_{$height}" . ($density > 1 ? "_{$density}x" : "");
    }
    $path .= $format === "" ? "" : ".$format";
    ksort($parameters);
    $pairs = [];
    foreach ($parameters as $parameter => $value) {
        if ($value !== null) {
            $pairs[] = $parameter . "=" . rawurlencode(text($value));
        }
    }
    return rtrim($base, "/") . $path . ($pairs ? "?" . implode("&", $pairs) : "");
}

/** Sign a path with its query, until $exp (Unix seconds) if it is given. */
function sign(string $path, string $key, ?int $exp = null): string
{
    [$before, $query] = explode("?", $path, 2) + [1 => ""];
    $dropped = $exp === null ? ["sig"] : ["sig", "exp"];
    $pairs = array_filter(
        explode("&", $query),
        fn ($pair) => $pair !== "" && !in_array(explode("=", $pair)[0], $dropped, true),
    );
    if ($exp !== null) {
        $pairs[] = "exp=$exp";
    }
    $values = [];
    foreach ($pairs as $pair) {
        [$name, $value] = explode("=", $pair, 2) + [1 => ""];
        if (in_array($name, SIGNED, true)) {
            $values[$name] ??= "$name=" . rawurlencode(rawurldecode($value));
        }
    }
    ksort($values);
    $segments = array_map(fn ($each) => rawurlencode(rawurldecode($each)), explode("/", $before));
    $signed = implode("/", $segments) . "?" . implode("&", $values);
    $mac = base64_encode(hash_hmac("sha256", $signed, $key, true));
    $pairs[] = "sig=" . rtrim(strtr($mac, "+/", "-_"), "=");
    return $before . "?" . implode("&", $pairs);
}

/** Return a value as the text of a parameter; a list has commas. */
function text(mixed $value): string
{
    return match (true) {
        is_bool($value) => $value ? "true" : "false",
        is_array($value) => implode(",", array_map(text(...), $value)),
        is_float($value) => (string) round($value, 3),
        default => (string) $value,
    };
}
