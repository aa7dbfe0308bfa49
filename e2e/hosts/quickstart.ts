// The app with the project's own quick-start configuration, in a scratch data folder and HOME.
import path from 'node:path'
import { projectFolder } from './built.ts'
import { carrierArgs, startHeadless, type Headless } from './headless.ts'

/** The configuration that the README names. */
const quickstartFile = path.join(projectFolder, 'examples/quickstart.yaml')

/** Starts `serve --config examples/quickstart.yaml`. */
export function startQuickstart(): Promise<Headless> {
  // The last --config counts.
  return startHeadless({ config: {}, args: [...carrierArgs, '--config', quickstartFile] })
}
