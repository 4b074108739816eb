/**
 * Exchanges in flight, as a linked list: a Set would keep finished ones alive from one minor
 * collection to the next (decision 20).
 */

/** An item that can be in one list at a time. */
export interface Linked<T> {
  previous: T | undefined
  next: T | undefined
}

/** Exchanges in the order in which they began. */
export class ExchangeList<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  size = 0

  add(exchange: T): void {
    exchange.previous = this.#last
    if (this.#last === undefined) this.#first = exchange
    else this.#last.next = exchange
    this.#last = exchange
    this.size++
  }

  /** Removes an exchange of this list. */
  delete(exchange: T): void {
    const { previous, next } = exchange
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    exchange.previous = undefined
    exchange.next = undefined
    this.size--
  }

  /** A copy, because ending an exchange removes it. */
  all(): T[] {
    const all: T[] = []
    for (let exchange = this.#first; exchange !== undefined; exchange = exchange.next) all.push(exchange)
    return all
  }
}
