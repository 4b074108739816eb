export * from './fetch/index.js'
export * from './streams/index.js'
