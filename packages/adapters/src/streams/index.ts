export { openDuplex, openWebDuplex, type RequestDuplex } from './duplex.js'
