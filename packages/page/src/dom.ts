/** Makes elements. Text is only ever set as text, styles only by the CSSOM: the policy of the page forbids anything else. */

/** Makes an element. @param text its text; elements with children have none. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  text = '',
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  if (text !== '') element.textContent = text
  if (children.length > 0) element.append(...children)
  return element
}

/** Makes an element with a role. */
export function makeRole(role: string, className: string, text = '', ...children: readonly (Node | string)[]): HTMLElement {
  const element = make('div', className, text, ...children)
  element.setAttribute('role', role)
  return element
}

/** Makes a button. @param label its accessible name, if the text does not say enough. */
export function makeButton(text: string, className: string, onClick: () => void, label?: string): HTMLButtonElement {
  const button = make('button', className, text)
  button.type = 'button'
  if (label !== undefined) button.setAttribute('aria-label', label)
  button.addEventListener('click', onClick)
  return button
}

/** Sets text only if it differs: an unchanged node costs no layout. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
