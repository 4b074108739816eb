/**
 * llhttp, the HTTP/1.1 parser of Node, as WebAssembly (undici's build). One instance per process;
 * each connection has a parser in its memory. Strict: sets no lenient flags. Must not know
 * responses; it only splits bytes into spans.
 */

import wasm from 'undici/lib/llhttp/llhttp-wasm.js'

/**
 * Callbacks of one parser, with spans of the parsed bytes. A result other than 0 stops it; {@link
 * execute} returns that result.
 */
export interface LlhttpEvents {
  onReason(bytes: Buffer, start: number, end: number): number
  onName(bytes: Buffer, start: number, end: number): number
  onValue(bytes: Buffer, start: number, end: number): number
  /** Called when the head is complete. Returns 1 if no content follows. */
  onHeadComplete(status: number, keepAlive: boolean): number
  onContent(bytes: Buffer, start: number, end: number): number
  onMessageComplete(): number
}

/** Results of {@link execute} (`llhttp_errno`). */
export const OK = 0
export const DUPLICATE_LENGTH = 4
export const INVALID_HEADER_TOKEN = 10
export const INVALID_CONTENT_LENGTH = 11
export const PAUSED = 21

/** Maximum bytes of one {@link execute} call. */
export const MAX_EXECUTE_BYTES = 65_536
const RESPONSE = 2

interface Exports {
  readonly memory: WebAssembly.Memory
  malloc(bytes: number): number
  free(pointer: number): void
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_reset(parser: number): void
  llhttp_execute(parser: number, data: number, length: number): number
  llhttp_get_error_pos(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_get_http_major(parser: number): number
  llhttp_get_http_minor(parser: number): number
  llhttp_message_needs_eof(parser: number): number
}

/** State of the current call: the callbacks, the bytes, and the offset from address to index. */
const NOTHING = Buffer.alloc(0)
let events: LlhttpEvents
let source: Buffer = NOTHING
let shift = 0
let executing = false
let stop = 0

const llhttp = new WebAssembly.Instance(new WebAssembly.Module(wasm), {
  env: {
    wasm_on_url: () => 0,
    wasm_on_message_begin: () => 0,
    wasm_on_status: (_parser: number, at: number, length: number) => events.onReason(source, at + shift, at + shift + length),
    wasm_on_header_field: (_parser: number, at: number, length: number) => events.onName(source, at + shift, at + shift + length),
    wasm_on_header_value: (_parser: number, at: number, length: number) =>
      events.onValue(source, at + shift, at + shift + length),
    wasm_on_headers_complete: (_parser: number, status: number, _upgrade: number, keepAlive: number) =>
      events.onHeadComplete(status, keepAlive === 1),
    wasm_on_body: (_parser: number, at: number, length: number) => events.onContent(source, at + shift, at + shift + length),
    wasm_on_message_complete: () => events.onMessageComplete(),
  },
}).exports as Exports

/** Input buffer in llhttp's memory. */
const input = llhttp.malloc(MAX_EXECUTE_BYTES)
let memory = new Uint8Array(llhttp.memory.buffer)

/** Creates a response parser. {@link freeParser} releases its memory. */
export function makeParser(): number {
  return llhttp.llhttp_alloc(RESPONSE)
}

export function freeParser(parser: number): void {
  llhttp.llhttp_free(parser)
}

/** Resets a parser for the next message. */
export function resetParser(parser: number): void {
  llhttp.llhttp_reset(parser)
}

/**
 * Parses `bytes` from `start` to `end`, at most {@link MAX_EXECUTE_BYTES}. Returns {@link OK}, or
 * the result that stopped it: see {@link stoppedAt}.
 */
export function execute(parser: number, to: LlhttpEvents, bytes: Buffer, start: number, end: number): number {
  if (executing) return executeInside(parser, to, bytes, start, end)
  executing = true
  try {
    return run(parser, to, bytes, start, end, input)
  } finally {
    executing = false
    source = NOTHING
  }
}

/** Parses inside another call, from a callback: saves the outer call's input and state. */
function executeInside(parser: number, to: LlhttpEvents, bytes: Buffer, start: number, end: number): number {
  const outer = { events, source, shift }
  const data = llhttp.malloc(end - start)
  try {
    return run(parser, to, bytes, start, end, data)
  } finally {
    llhttp.free(data)
    events = outer.events
    source = outer.source
    shift = outer.shift
  }
}

function run(parser: number, to: LlhttpEvents, bytes: Buffer, start: number, end: number, data: number): number {
  // Memory that has grown has a new buffer.
  if (memory.buffer !== llhttp.memory.buffer) memory = new Uint8Array(llhttp.memory.buffer)
  memory.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), data)
  events = to
  source = bytes
  shift = start - data
  const result = llhttp.llhttp_execute(parser, data, end - start)
  stop = result === OK ? end : llhttp.llhttp_get_error_pos(parser) + start - data
  return result
}

/** Returns the index of the byte before which the last {@link execute} stopped. */
export function stoppedAt(): number {
  return stop
}

/** Returns llhttp's reason for rejecting the bytes, a fixed text. */
export function reasonOf(parser: number): string {
  const start = llhttp.llhttp_get_error_reason(parser)
  if (start === 0) return 'malformed'
  const all = Buffer.from(llhttp.memory.buffer)
  return all.toString('latin1', start, all.indexOf(0, start))
}

/** Returns the version of the message, such as 11 for HTTP/1.1. */
export function versionOf(parser: number): number {
  return llhttp.llhttp_get_http_major(parser) * 10 + llhttp.llhttp_get_http_minor(parser)
}

/** Whether the content ends with the connection, according to llhttp. */
export function endsWithConnection(parser: number): boolean {
  return llhttp.llhttp_message_needs_eof(parser) === 1
}
