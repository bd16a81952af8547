// ipx over node's own http, as its documentation shows.
// argv: the folder whose node_modules holds ipx, the folder of pictures, the port.

import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const [modules, pictures, port] = process.argv.slice(2)
const entry = pathToFileURL(`${modules}/node_modules/ipx/dist/index.mjs`)
const { createIPX, createIPXNodeServer, ipxFSStorage } = await import(entry)

const ipx = createIPX({ storage: ipxFSStorage({ dir: pictures }) })
createServer(createIPXNodeServer(ipx)).listen(Number(port), '127.0.0.1')
