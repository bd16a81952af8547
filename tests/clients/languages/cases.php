<?php
require $argv[1];
$results = [];
foreach (json_decode(file_get_contents("php://stdin"), true) as $case) {
    $results[] = $case["call"] === "sign"
        ? Liveresize\sign($case["target"], $case["key"], $case["exp"] ?? null)
        : Liveresize\url($case["name"], $case["width"], $case["height"], $case["parameters"],
            $case["density"], $case["format"], $case["base"]);
}
echo json_encode($results);
