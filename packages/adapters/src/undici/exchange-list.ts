/** Exchanges under way, each with its neighbours: a Set would keep those that are over alive from one minor collection to the next (decision 20). */

/** What can be in one list at a time. */
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

  /** Takes out one that is in the list. */
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

  /** A copy, because what is done to them takes them out. */
  all(): T[] {
    const all: T[] = []
    for (let exchange = this.#first; exchange !== undefined; exchange = exchange.next) all.push(exchange)
    return all
  }
}
