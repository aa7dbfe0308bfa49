// The server of http-echo.ts with the faults of http-faults.ts: by the arguments of a call (fault-book.ts), by the option
// `faults`, or by POST /control. Options otherwise those of http-echo.ts.
import { askerTools } from './asker-tools.ts'
import { readEchoOptions } from './echo-options.ts'
import { createEchoPlan } from './echo-plan.ts'
import { FaultBook, toFaultRules } from './fault-book.ts'
import { toHttpOptions } from './http-options.ts'
import { serveHttp } from './http-server.ts'
import { readServerOptions } from './kit.ts'

const given = readServerOptions()
const plan = createEchoPlan(readEchoOptions(given), ...askerTools)
serveHttp(plan, toHttpOptions(given), new FaultBook(toFaultRules(given['faults'])))
