/** Which way the page is read: what stands at its root, whoever set it. */
import { readonly, ref } from 'vue'

const read = (): 'ltr' | 'rtl' => (document.documentElement.dir === 'rtl' ? 'rtl' : 'ltr')
const now = ref(read())

new MutationObserver(() => (now.value = read())).observe(document.documentElement, { attributeFilter: ['dir'] })

export const direction = readonly(now)
