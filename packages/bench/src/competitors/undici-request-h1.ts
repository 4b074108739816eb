/** undici `request` over 50 HTTP/1.1 connections: its fastest without pipelining. */

import { always, check, type Library } from '../competitor.js'

export const undiciRequestH1: Library = {
  name: 'undici request h1',
  protocol: 'http/1.1',
  available: always,
  async start(target) {
    const { Pool } = await import('undici')
    const { path } = target
    const pool = new Pool(target.origin, { allowH2: false, connect: { ca: target.ca }, connections: 50 })
    return {
      async once() {
        const { statusCode, body } = await pool.request({ method: 'GET', path })
        check(target, statusCode, await body.text())
      },
      close: () => pool.close(),
    }
  },
}
