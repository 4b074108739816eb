/** For the packages of this repository alone. It may change in any release. */

export { ACCEPT_ENCODING, decode, parseCodings } from '../fetch/decode.js'
