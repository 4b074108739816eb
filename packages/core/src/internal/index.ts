/** For the packages of this repository alone. It may change in any release. */

export { type Abortable, AbortHandle, abortReason, link as linkAbort, unlink as unlinkAbort } from '../abort.js'
export { type ClientTraits, traitsOf } from '../client.js'
export { expectErrors } from '../message/content.js'
export { fieldList } from '../message/fields.js'
export { ownRequest, REQUEST_MEMBERS } from '../message/request.js'
export { inRange, isIterable, ownOptions, refuseUnknown, shownValue } from '../option-checks.js'
