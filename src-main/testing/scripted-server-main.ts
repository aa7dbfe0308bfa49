// The process of a scripted server: what it is sent goes to the test, what the test says goes out.
import { connect } from 'node:net'

const { BENCH_PORT: port = '', BENCH_SERVER: name = '' } = process.env
const control = connect(Number(port), '127.0.0.1')
control.write(`${name}\n`)
process.stdin.pipe(control)
control.pipe(process.stdout, { end: false })
process.stdin.on('end', () => {
  process.exit(0)
})
control.on('end', () => {
  process.exit(3)
})
control.on('error', () => {
  process.exit(4)
})
