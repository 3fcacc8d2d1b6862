/** A problem in the reader's language: by its code, else what the server said, else by its status. */
import { useI18n } from 'vue-i18n'

import type { Problem } from '@/api/problem'

import { duration } from './duration'

export interface ProblemText {
  text: (problem: Pick<Problem, 'code' | 'message'> & Partial<Pick<Problem, 'retryAfter'>>) => string
  /** "Request id …", to quote when asking for help; null when no answer came. */
  reference: (problem: Pick<Problem, 'requestId'>) => string | null
}

export function useProblemText(): ProblemText {
  const { t, te, locale } = useI18n()
  return {
    text(problem) {
      const key = `problems.${problem.code}`
      const timed = `${key}_for`
      if (problem.retryAfter && te(timed)) return t(timed, { time: duration(problem.retryAfter, locale.value) })
      if (te(key)) return t(key)
      return problem.message || t('problems.unknown')
    },
    reference: (problem) =>
      problem.requestId === null ? null : t('problems.reference', { id: problem.requestId }),
  }
}
