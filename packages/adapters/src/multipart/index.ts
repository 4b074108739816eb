export { multipart, type Part } from './multipart.js'
