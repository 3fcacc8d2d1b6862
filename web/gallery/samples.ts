/** What the stories say: in the language of the direction that is chosen. */
import { computed } from 'vue'

import { direction } from '@/ui/direction'

const TEXTS = {
  ltr: {
    name: 'Ana Pérez',
    long: 'Department for the Maintenance of Harbours, Piers and Incomprehensibilities',
    word: 'incomprehensibilities'.repeat(4),
    label: 'Workspace name',
    sentence: 'Shall we paint the boat?',
    hint: 'What others see beside what you write.',
    error: 'This is taken already.',
    save: 'Save',
    remove: 'Remove',
    close: 'Close',
    more: 'More actions',
    options: ['Everybody', 'Members and above', 'Moderators and above', 'Owners'],
    none: 'Nothing by that name.',
  },
  rtl: {
    name: 'ليلى منصور',
    long: 'إدارة صيانة الموانئ والأرصفة وكل ما لا يخطر على بال أحد في هذه المدينة البحرية الصغيرة',
    word: 'المستحيلات'.repeat(8),
    label: 'اسم مساحة العمل',
    sentence: 'هل نطلي القارب؟',
    hint: 'ما يراه الآخرون بجانب ما تكتبه.',
    error: 'هذا الاسم محجوز.',
    save: 'حفظ',
    remove: 'إزالة',
    close: 'إغلاق',
    more: 'إجراءات أخرى',
    options: ['الجميع', 'الأعضاء ومن فوقهم', 'المشرفون ومن فوقهم', 'المالكون'],
    none: 'لا شيء بهذا الاسم.',
  },
} as const

export const sample = computed(() => TEXTS[direction.value])

export const options = computed(() => sample.value.options.map((label, place) => ({ value: String(place), label })))
