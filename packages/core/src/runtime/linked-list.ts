/**
 * A list that is left from anywhere at no cost, and that lets go of who has left. Not a `Set`: V8 links each of its tables that fills up to the
 * next, so that with one that was promoted all who were ever in it survive minor collections (decision 20).
 */

/** A place in a chain. */
export class ListNode<T> {
  readonly item: T
  previous: ListNode<T> | undefined
  next: ListNode<T> | undefined

  constructor(item: T) {
    this.item = item
  }
}

/** In the order in which they came. */
export class LinkedList<T> {
  #first: ListNode<T> | undefined
  #last: ListNode<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Who has been here longest. */
  get first(): T | undefined {
    return this.#first?.item
  }

  /** Puts `item` behind all others. What is returned is what {@link delete} takes. */
  add(item: T): ListNode<T> {
    const link = new ListNode(item)
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size++
    return link
  }

  /** Once for each, and only for what was added here. */
  delete(link: ListNode<T>): void {
    const { previous, next } = link
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    // A link that was promoted must not keep those alive who came after it.
    link.previous = undefined
    link.next = undefined
    this.#size--
  }

  /** All of them, in a list of its own. */
  all(): T[] {
    const all: T[] = []
    for (let link = this.#first; link !== undefined; link = link.next) all.push(link.item)
    return all
  }
}
