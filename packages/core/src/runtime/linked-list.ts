/**
 * A doubly linked list with removal in constant time, which does not retain removed items. Not a
 * `Set`, because V8 links the old table of a rehashed set to the new one: once one table is
 * promoted, all later items survive minor garbage collections (decision 20).
 */

/** A list node. */
export class ListNode<T> {
  readonly item: T
  previous: ListNode<T> | undefined
  next: ListNode<T> | undefined

  constructor(item: T) {
    this.item = item
  }
}

/** A list in insertion order. */
export class LinkedList<T> {
  #first: ListNode<T> | undefined
  #last: ListNode<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The oldest item. */
  get first(): T | undefined {
    return this.#first?.item
  }

  /** The item at an index, counted from the oldest; takes as many steps. */
  at(index: number): T | undefined {
    let link = this.#first
    for (; link !== undefined && index > 0; index--) link = link.next
    return link?.item
  }

  /** Appends `item`. Returns the node for {@link delete}. */
  add(item: T): ListNode<T> {
    const link = new ListNode(item)
    link.previous = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size++
    return link
  }

  /** Removes a node. Call once, and only for a node of this list. */
  delete(link: ListNode<T>): void {
    const { previous, next } = link
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    // An old-generation node must not retain later ones.
    link.previous = undefined
    link.next = undefined
    this.#size--
  }

  /** Returns a copy of all items. */
  all(): T[] {
    const all: T[] = []
    for (let link = this.#first; link !== undefined; link = link.next) all.push(link.item)
    return all
  }
}
