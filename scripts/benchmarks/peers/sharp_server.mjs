// The least server that sharp makes: one picture in, one out, nothing kept.
// argv: the folder whose node_modules holds sharp, the folder of pictures, the port.
// GET /{file}?w=&h=&q=&f=[&progressive=1][&effort=]

import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { join } from 'node:path'

const [modules, pictures, port] = process.argv.slice(2)
const sharp = createRequire(`${modules}/package.json`)('sharp')
// Or a picture that is asked for again would not be decoded again.
sharp.cache(false)

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  const number = name => Number(url.searchParams.get(name)) || undefined
  const format = url.searchParams.get('f')
  // A quality would make palettes of PNGs.
  const options = format === 'png' ? {} : { quality: number('q') }
  if (url.searchParams.has('progressive')) options.progressive = true
  if (url.searchParams.has('effort')) options.effort = Number(url.searchParams.get('effort'))
  try {
    const data = await sharp(join(pictures, url.pathname))
      .autoOrient()
      .resize(number('w'), number('h'), { fit: 'inside', withoutEnlargement: true })
      .toFormat(format, options)
      .toBuffer()
    response.writeHead(200, { 'Content-Type': `image/${format}`, 'Content-Length': data.length })
    response.end(data)
  } catch (error) {
    response.writeHead(500)
    response.end(String(error))
  }
}).listen(Number(port), '127.0.0.1')
