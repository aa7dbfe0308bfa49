// A test server that asks its client during a call: asker-tools.ts.
import { askerTools } from './asker-tools.ts'
import { serveRaw } from './kit.ts'
import { createProcessTools } from './process-tools.ts'
import { ToolSet } from './tool-set.ts'

const tools = new ToolSet()
tools.add(...createProcessTools(tools), ...askerTools)
serveRaw({ name: 'asker', capabilities: { tools: { listChanged: true } }, handlers: tools.handlers() })
