/** What the core asks of whoever runs it: the desktop shell, the headless command line, or a test. */
export interface Host {
  /** The data folder: absolute, there, and only this user's. */
  readonly dataFolder: string
  readonly platform: NodeJS.Platform
  /** Environment that servers inherit. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Version of the product, as told to servers and clients. */
  readonly appVersion: string
}
