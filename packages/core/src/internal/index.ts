/** For the packages of this repository alone. It may change in any release. */

export { traitsOf } from '../client/client.js'
export { watchEnd } from '../client/interceptors.js'
export { CLIENT_OPTIONS } from '../client/options.js'
export { isRepeatable, retrying } from '../client/retry.js'
export { resolveRetryPolicy, retryAfterMs } from '../client/status-retry.js'
export { NoProxy } from '../connect/proxy/no-proxy.js'
export { HpackDecoder } from '../h2/hpack/decoder.js'
export { errorCodeName } from '../h2/protocol/error-code.js'
export { Flag, FrameType, frameTypeName, PREFACE } from '../h2/protocol/frame.js'
export { FrameReader, type FrameSink } from '../h2/protocol/frame-reader.js'
export { Setting } from '../h2/protocol/settings.js'
export { canonicalAddress, includesAddress } from '../message/addresses.js'
export { checkFields, fieldList } from '../message/fields.js'
export { encodeForm, encodeParts } from '../message/form-data.js'
export {
  becomesGet,
  CONTENT_FIELDS,
  CREDENTIAL_FIELDS,
  isRedirect,
  MAX_REDIRECTS,
  redirectTarget,
} from '../message/redirect.js'
export { isIdempotent, REQUEST_MEMBERS } from '../message/request.js'
export { expectErrors, isSentOnce } from '../message/request-content.js'
export { REQUEST_OPTIONS, RETRY_OPTIONS } from '../message/request-options.js'
export { isSpecialPurpose } from '../message/special-purpose.js'
export { type Abortable, AbortHandle, abortReason, link as linkAbort, unlink as unlinkAbort } from '../runtime/abort.js'
export { BoundedCache } from '../runtime/bounded-cache.js'
export { isDisturbed } from '../runtime/disturbed.js'
export {
  invalidOption,
  isIterable,
  ownOptions,
  printable,
  refuseUnknown,
  shownValue,
  unknownOption,
} from '../schema/option-checks.js'
export { flagRow, milliseconds, namesOf, number, numberIn, type OptionRow, type OptionSchema, value } from '../schema/schema.js'
