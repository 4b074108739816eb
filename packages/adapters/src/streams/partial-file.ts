/** A file that is not complete yet: where it lies, what is known of it, and what becomes of it. Knows nothing of HTTP. */

import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { UsageError } from '@unshard/core'

/** What is kept beside a part that can be resumed. */
interface Note {
  readonly url: string
  readonly validator: string
}

/** Content on its way to `path`. */
export class PartialFile {
  readonly #path: string
  /** The URL it comes from, where it may be resumed. */
  readonly #url: string | undefined
  readonly #name: string
  readonly handle: FileHandle
  /** Octets that are there. */
  length: number
  /** Which representation they are of: what the rest has to match. `undefined` where nothing can be resumed. */
  validator: string | undefined

  private constructor(path: string, url: string | undefined, name: string, handle: FileHandle) {
    this.#path = path
    this.#url = url
    this.#name = name
    this.handle = handle
    this.length = 0
  }

  /** Makes one, or finds the one that an earlier attempt for the same `url` has left; without `url` it has a name of its own, and leaves nothing. @throws UsageError. */
  static async open(path: string, url: string | undefined): Promise<PartialFile> {
    await refuseOthers(path)
    const { randomUUID } = process.getBuiltinModule('node:crypto')
    const name = url === undefined ? `${path}.${randomUUID()}.part` : `${path}.part`
    const note = url === undefined ? undefined : await readNote(noteOf(name))
    const found = note?.url === url && note !== undefined ? await openThere(name) : undefined
    const file = new PartialFile(path, url, name, found ?? (await open(name, 'w')))
    if (found !== undefined) {
      file.length = (await found.stat()).size
      file.validator = file.length > 0 ? note!.validator : undefined
    }
    return file
  }

  /** From the first octet, of the representation that `validator` names. */
  async restart(validator: string | undefined): Promise<void> {
    await this.handle.truncate(0)
    this.length = 0
    this.validator = validator
    if (this.#url === undefined) return
    if (validator === undefined) await rm(noteOf(this.#name), { force: true })
    else await writeFile(noteOf(this.#name), JSON.stringify({ url: this.#url, validator } satisfies Note))
  }

  /** All of it is there: on the disk first, then under its name. */
  async complete(): Promise<void> {
    await this.handle.datasync()
    await this.handle.close()
    await rename(this.#name, this.#path)
    if (this.#url !== undefined) await rm(noteOf(this.#name), { force: true })
  }

  /** It breaks off. What can be resumed is kept. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined)
    if (this.#url !== undefined && this.validator !== undefined && this.length > 0) return
    await rm(this.#name, { force: true })
    if (this.#url !== undefined) await rm(noteOf(this.#name), { force: true })
  }
}

/**
 * What a file takes the place of is a file: to be renamed over `/dev/null`, or a pipe, would be its end.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
async function refuseOthers(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (path !== '' && (there === undefined || there.isFile())) return
  throw new UsageError('ERR_INVALID_OPTION', `${JSON.stringify(path)} is not a regular file, and cannot be replaced by one`)
}

function noteOf(name: string): string {
  return `${name}.json`
}

async function openThere(name: string): Promise<FileHandle | undefined> {
  return open(name, 'r+').catch(() => undefined)
}

/** What somebody else has written there is no note of ours. */
async function readNote(name: string): Promise<Note | undefined> {
  try {
    const { url, validator } = JSON.parse(await readFile(name, 'utf8')) as Partial<Note>
    return typeof url === 'string' && typeof validator === 'string' ? { url, validator } : undefined
  } catch {
    return undefined
  }
}
