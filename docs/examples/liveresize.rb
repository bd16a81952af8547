# frozen_string_literal: true

# URLs of images on a liveresize server, and their signatures. Ruby 3.0 or newer, nothing else.
#
#   Liveresize.url("cat", 400, 300, base: "https://images.example.com", fit: "crop")
#   Liveresize.sign("/cat_400_300.jpg", key, exp: Time.now.to_i + 600)

require "openssl"

module Liveresize
  # Every parameter that a signature covers.
  SIGNED = %w[
    fit gravity rect trim quality max_bytes blur sharpen brightness contrast saturation pixelate tint
    grey overlay rotate flip bg radius pad enlarge animate colour hdr allow_webp proxy version exp held
    preset
  ].freeze

  module_function

  # Returns the URL of an image in a box; a side of 0 is calculated, and both 0 is its own size.
  def url(name, width = 0, height = 0, density: 1, format: "auto", base: "", **parameters)
    path = "/#{escape(name)}"
    if width.positive? || height.positive?
      path += "_#{width}_#{height}"
      path += "_#{density}x" if density > 1
    end
    path += ".#{format}" unless format.empty?
    pairs = parameters.compact.sort.map { |each, value| "#{each}=#{escape(text(value))}" }
    path += "?#{pairs.join("&")}" unless pairs.empty?
    base.chomp("/") + path
  end

  # Signs a path with its query, until `exp` (Unix seconds) if it is given.
  def sign(path, key, exp: nil)
    before, query = path.split("?", 2)
    dropped = exp ? %w[sig exp] : %w[sig]
    pairs = query.to_s.split("&").reject { |pair| pair.empty? || dropped.include?(pair[/\A[^=]*/]) }
    pairs << "exp=#{exp}" if exp
    values = {}
    pairs.each do |pair|
      name, value = pair.split("=", 2)
      values[name] ||= "#{name}=#{escape(unescape(value.to_s))}" if SIGNED.include?(name)
    end
    segments = before.split("/", -1).map { |each| escape(unescape(each)) }
    signed = "#{segments.join("/")}?#{values.sort.map(&:last).join("&")}"
    mac = [OpenSSL::HMAC.digest("SHA256", key, signed)].pack("m0").tr("+/", "-_").delete("=")
    "#{before}?#{[*pairs, "sig=#{mac}"].join("&")}"
  end

  # Returns a value as the text of a parameter; a list has commas.
  def text(value)
    case value
    when Array then value.map { |each| text(each) }.join(",")
    when Float then value.round(3).to_s
    else value.to_s
    end
  end

  # Escapes all but letters, digits and `-._~`.
  def escape(text)
    text.b.gsub(/[^A-Za-z0-9\-._~]/n) { |byte| format("%%%02X", byte.ord) }
  end

  def unescape(text)
    text.b.gsub(/%([0-9A-Fa-f]{2})/n) { Regexp.last_match(1).hex.chr }
  end
end
