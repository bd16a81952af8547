// sharp, one picture at a time; speaks the protocol of `program.py`.
// argv[2] is the folder whose node_modules holds sharp.

import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const sharp = createRequire(`${process.argv[2]}/package.json`)('sharp')
sharp.concurrency(1)
sharp.cache(false)

function encoder (format, settings) {
  const quality = 'quality' in settings ? { quality: settings.quality } : {}
  if (settings.defaults) return quality
  const { progressive, optimize, level, effort, speed } = settings
  switch (format) {
    case 'jpeg':
      return { ...quality, progressive, optimiseCoding: optimize, chromaSubsampling: '4:2:0' }
    case 'png':
      return { compressionLevel: level, adaptiveFiltering: true }
    case 'webp':
      return { ...quality, effort }
    case 'avif':
      // libvips counts the other way round, from 9.
      return { ...quality, effort: 9 - speed, chromaSubsampling: '4:2:0' }
  }
}

async function render ({ source, width, height, crop, format, settings }) {
  let image = sharp(source).autoOrient().resize(width, height, {
    fit: crop ? 'cover' : 'inside',
    withoutEnlargement: true
  })
  if (format === 'jpeg') image = image.flatten({ background: '#ffffff' })
  return image.toFormat(format, encoder(format, settings)).toBuffer()
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  const cpu = process.cpuUsage()
  const clock = performance.now()
  try {
    const data = await render(request)
    const ms = performance.now() - clock
    const used = process.cpuUsage(cpu)
    if (request.out) writeFileSync(request.out, data)
    console.log(JSON.stringify({
      ms, cpu_ms: (used.user + used.system) / 1000, bytes: data.length
    }))
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }))
  }
}
