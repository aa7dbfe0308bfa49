import { watchFiles, type WatchTiming } from '../config/store/watch-file.ts'
import type { Logger } from '../observe/logger.ts'
import { keepAccessToken, toTokenFile, type AccessToken } from './access-token.ts'

/** What a watch over the access token needs. */
export interface TokenWatchOptions {
  readonly dataFolder: string
  readonly token: AccessToken
  readonly logger: Logger
  /** There is another token, which holds already. Must not reject. */
  readonly onRenewed: () => Promise<void>
  readonly timing?: WatchTiming
}

/**
 * Goes over to the token in the file whenever that is another. While the file holds none, the one that holds is written
 * again. Gives what ends the watch.
 */
export function watchAccessToken(options: TokenWatchOptions): () => void {
  const { dataFolder, token, logger, onRenewed, timing } = options
  const file = toTokenFile(dataFolder)
  const look = async (): Promise<void> => {
    try {
      if (!token.change(await keepAccessToken(dataFolder, token.value))) return
    } catch (error) {
      logger.error('The access token cannot be read: the one before goes on to hold.', {
        file,
        error: String(error),
      })
      return
    }
    logger.info('There is another access token: clients with the one before are let in no more.')
    await onRenewed()
  }
  return watchFiles([file], look, timing)
}
