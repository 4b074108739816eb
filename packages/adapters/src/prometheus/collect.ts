/** Metrics of one client for prom-client. Clients of one registry share metrics and differ in their labels. */

import type { Client } from '@unshard/core'
import { invalidOption, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { register as globalRegistry, type Registry } from 'prom-client'
import { checkClient } from '../observation/check-client.js'
import { ClientCollector } from './client-collector.js'
import { RegistryMetrics } from './registry-metrics.js'

/** Options of `collect()`. */
export interface CollectOptions {
  /** The registry of the metrics. @default the global registry */
  readonly register?: Registry
  /** Text before each name. @default unshard_ */
  readonly prefix?: string
  /** Labels of all metrics of this client. Clients that share a registry and a prefix need the same names. */
  readonly labels?: Readonly<Record<string, string | number>>
}

/** Options of `collect()`. */
export const COLLECT_OPTIONS: OptionSchema<CollectOptions> = {
  register: value('a `Registry`', 'the global registry'),
  prefix: value('the beginning of a metric name', 'unshard_'),
  labels: value('an object'),
}

const NAMES = namesOf(COLLECT_OPTIONS)
/** The metrics of each registry, by prefix. */
const known = new WeakMap<Registry, Map<string, RegistryMetrics>>()

/**
 * Registers the metrics of a client, its views included. Values of clients with the same labels are added up.
 * @returns a function that removes this client from the metrics; without a client they are unregistered.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function collect(client: Client, options?: CollectOptions): () => void {
  const id = checkClient(client)
  const given = ownOptions(options, NAMES, '', 'collect()')
  const register = checkRegister(given.register)
  const prefix = checkPrefix(given.prefix)
  const labels = checkLabels(given.labels)
  const metrics = metricsOf(register, prefix, Object.keys(labels))
  const collector = new ClientCollector(client, id, labels, metrics)
  metrics.add(collector)
  return () => {
    collector.stop()
    if (metrics.delete(collector)) known.get(register)?.delete(prefix)
  }
}

function metricsOf(register: Registry, prefix: string, labels: readonly string[]): RegistryMetrics {
  const byPrefix = known.get(register) ?? new Map<string, RegistryMetrics>()
  known.set(register, byPrefix)
  const existing = byPrefix.get(prefix)
  if (existing === undefined) {
    const metrics = new RegistryMetrics(register, prefix, labels)
    byPrefix.set(prefix, metrics)
    return metrics
  }
  const wanted = existing.labels
  if (wanted.length === labels.length && wanted.every((name) => labels.includes(name))) return existing
  const names = wanted.length === 0 ? 'no labels' : `the labels ${wanted.join(', ')}`
  throw invalidOption('labels', `${names}, as other clients of this registry have, or another prefix`, labels)
}

function checkRegister(given: Registry | undefined): Registry {
  if (given === undefined) return globalRegistry
  if (typeof given?.registerMetric === 'function') return given
  throw invalidOption('register', 'a registry of prom-client', given)
}

function checkPrefix(given: string | undefined): string {
  if (given === undefined) return 'unshard_'
  if (typeof given === 'string' && /^[\w:]*$/.test(given) && !/^\d/.test(given)) return given
  throw invalidOption('prefix', 'the beginning of a metric name', given)
}

function checkLabels(given: CollectOptions['labels']): Record<string, string | number> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null) throw invalidOption('labels', 'an object', given)
  for (const [name, label] of Object.entries(given)) {
    if (!/^\w+$/.test(name) || /^\d/.test(name) || RegistryMetrics.OWN_LABELS.has(name))
      throw invalidOption('labels', 'names of labels that the metrics do not have', name)
    if (typeof label !== 'string' && typeof label !== 'number') throw invalidOption(`labels.${name}`, 'text or a number', label)
  }
  return { ...given }
}
