require "json"
require ARGV[0]
results = JSON.parse($stdin.read).map do |each|
  if each["call"] == "sign"
    Liveresize.sign(each["target"], each["key"], exp: each["exp"])
  else
    parameters = each["parameters"].transform_keys(&:to_sym)
    Liveresize.url(each["name"], each["width"], each["height"], density: each["density"],
                   format: each["format"], base: each["base"], **parameters)
  end
end
puts JSON.generate(results)
