// The yardstick: two processes that only move bytes, as shim and app would if they did nothing else.
//   relay.mjs listen SOCKET COMMAND ARGS…   one child, socket <-> its stdin and stdout; prints "ready"
//   relay.mjs join SOCKET                   stdin and stdout <-> socket
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

const [mode, path = '', command = '', ...args] = process.argv.slice(2)

if (mode === 'listen') {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const server = createServer((socket) => {
    socket.pipe(child.stdin, { end: false })
    child.stdout.pipe(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      child.stdout.unpipe(socket)
      child.stdout.resume()
    })
  })
  server.listen(path, () => process.stdout.write('ready\n'))
  process.on('SIGTERM', () => {
    child.kill()
    process.exit(0)
  })
} else {
  const socket = connect(path)
  process.stdin.pipe(socket)
  socket.pipe(process.stdout)
  socket.on('close', () => process.exit(0))
}
