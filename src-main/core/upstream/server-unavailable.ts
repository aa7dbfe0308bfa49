import { toStateText, type UpstreamState } from './upstream-state.ts'

/** A server cannot take a call now. Its message is a sentence for people that names the server and its state. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable'
  readonly server: string
  readonly state: UpstreamState['state']
  /** Why it is in that state, where there is more to say; completes "… because". */
  readonly reason: string | undefined

  constructor(server: string, state: UpstreamState) {
    super(toStateText(server, state))
    this.server = server
    this.state = state.state
    this.reason = 'reason' in state ? state.reason : undefined
  }
}
