/**
 * An incomplete download on disk: its location, its metadata and its completion. Knows nothing
 * about HTTP.
 */

import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'

/**
 * Metadata beside a resumable file, and the identity of that file: a file that has replaced it is
 * not resumed.
 */
interface Note {
  readonly url: string
  readonly validator: string
  /** Device and inode. */
  readonly file: string
  /**
   * Size and modification time after the last attempt; absent if the process ended before it could
   * write them.
   */
  readonly state?: string
}

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants
/** Not available on every system. Do not follow links, and do not block on a pipe. */
const CAREFUL = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
/** Maximum size of the metadata file, in bytes. */
const MAX_NOTE_BYTES = 65_536
const PERMISSIONS = 0o777

/** Content on its way to `path`. */
export class PartialFile {
  readonly #path: string
  /** URL of a resumable download. */
  readonly #url: string | undefined
  readonly #name: string
  readonly handle: FileHandle
  /** Bytes present. */
  length: number
  /** Validator that the rest must match; `undefined` if nothing can be resumed. */
  validator: string | undefined

  /** Permissions of the file that is replaced; `undefined` for a new file. */
  readonly #mode: number | undefined

  private constructor(path: string, url: string | undefined, name: string, handle: FileHandle, mode: number | undefined) {
    this.#path = path
    this.#url = url
    this.#name = name
    this.handle = handle
    this.#mode = mode
    this.length = 0
  }

  /**
   * Creates a file, or finds the one that an earlier attempt for the same `url` left; without `url`
   * the file has a unique name and is deleted on failure. @throws UsageError.
   */
  static async open(path: string, url: string | undefined): Promise<PartialFile> {
    const mode = await modeOf(path)
    const { randomUUID } = process.getBuiltinModule('node:crypto')
    const name = url === undefined ? `${path}.${randomUUID()}.part` : `${path}.part`
    const found = url === undefined ? undefined : await findPart(name, url)
    const file = new PartialFile(path, url, name, found?.handle ?? (await create(name, mode)), mode)
    if (found !== undefined) {
      file.length = found.size
      file.validator = found.size > 0 ? found.validator : undefined
    }
    return file
  }

  /** Starts from the first byte of the representation identified by `validator`. */
  async restart(validator: string | undefined): Promise<void> {
    await this.handle.truncate(0)
    this.length = 0
    this.validator = validator
    if (this.#url === undefined) return
    if (validator === undefined) await rm(noteOf(this.#name), { force: true })
    else await this.#writeNote(this.#url, validator, false)
  }

  async #writeNote(url: string, validator: string, isLeft: boolean): Promise<void> {
    const status = await this.handle.stat()
    const state = isLeft ? { state: stateOf(status) } : {}
    const note = await create(noteOf(this.#name), 0o600)
    try {
      await note.writeFile(JSON.stringify({ url, validator, file: fileOf(status), ...state } satisfies Note))
    } finally {
      await note.close()
    }
  }

  /** Completes the file: flushes it to disk, then renames it. */
  async complete(): Promise<void> {
    if (this.#mode !== undefined) await this.handle.chmod(this.#mode)
    await this.handle.datasync()
    await this.handle.close()
    await rename(this.#name, this.#path)
    if (this.#url !== undefined) await rm(noteOf(this.#name), { force: true })
  }

  /** Ends an attempt. Keeps the file if it can be resumed. */
  async abandon(): Promise<void> {
    const isLeft = this.#url !== undefined && this.validator !== undefined && this.length > 0
    const isNoted = isLeft && (await this.#writeNote(this.#url!, this.validator!, true).then(isTrue, isFalse))
    await this.handle.close().catch(() => undefined)
    if (isNoted) return
    await rm(this.#name, { force: true })
    if (this.#url !== undefined) await rm(noteOf(this.#name), { force: true })
  }
}

const isTrue = (): boolean => true
const isFalse = (): boolean => false

/**
 * Returns the permissions of the existing file. Only a regular file may be replaced: renaming over
 * `/dev/null` or a pipe would destroy it.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
async function modeOf(path: string): Promise<number | undefined> {
  const existing = await stat(path).catch(() => undefined)
  if (path !== '' && (existing === undefined || existing.isFile())) return existing && existing.mode & PERMISSIONS
  throw new UsageError('ERR_INVALID_OPTION', `${shownValue(path)} is not a regular file and cannot be replaced`)
}

function noteOf(name: string): string {
  return `${name}.json`
}

function fileOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

function stateOf({ size, mtimeMs }: Stats): string {
  return `${size}:${mtimeMs}`
}

/**
 * Creates a new file, readable by the user alone if the file it replaces is. An existing file of
 * that name is removed, never written to.
 */
async function create(name: string, mode = 0o666): Promise<FileHandle> {
  await rm(name, { force: true })
  return open(name, O_RDWR | O_CREAT | O_EXCL | CAREFUL, mode)
}

/** Returns the file of an earlier attempt if it is valid. */
async function findPart(name: string, url: string): Promise<{ handle: FileHandle; size: number; validator: string } | undefined> {
  const note = await readNote(noteOf(name))
  const handle = note?.url === url ? await openOwn(name, O_RDWR) : undefined
  if (handle === undefined) return undefined
  const status = await handle.stat()
  const isSame = fileOf(status) === note!.file && (note!.state === undefined || note!.state === stateOf(status))
  if (isSame) return { handle, size: status.size, validator: note!.validator }
  await handle.close()
  return undefined
}

/**
 * Opens a regular file of this user with a single link; `undefined` for a file that another user
 * may have put there.
 */
async function openOwn(name: string, flags: number): Promise<FileHandle | undefined> {
  const handle = await open(name, flags | CAREFUL).catch(() => undefined)
  const status = await handle?.stat()
  if (status?.isFile() === true && status.nlink === 1 && status.uid === (process.geteuid?.() ?? status.uid)) return handle
  await handle?.close()
  return undefined
}

async function readNote(name: string): Promise<Note | undefined> {
  const handle = await openOwn(name, O_RDONLY)
  if (handle === undefined) return undefined
  try {
    if ((await handle.stat()).size > MAX_NOTE_BYTES) return undefined
    const { url, validator, file, state } = JSON.parse(await handle.readFile('utf8')) as Partial<Note>
    if (typeof url !== 'string' || typeof validator !== 'string' || typeof file !== 'string') return undefined
    return typeof state === 'string' ? { url, validator, file, state } : { url, validator, file }
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}
