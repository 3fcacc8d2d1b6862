/** A story for each component of src/ui, with all its states; `All` is every one of them on a page. */
import type { Component } from 'vue'
import { h } from 'vue'

import StorySection from './StorySection.vue'
import BotAvatarStates from './stories/BotAvatar.story.vue'
import CountBadgeStates from './stories/CountBadge.story.vue'
import EmptyStateStates from './stories/EmptyState.story.vue'
import IconButtonStates from './stories/IconButton.story.vue'
import KeyCapsStates from './stories/KeyCaps.story.vue'
import LiveRegionStates from './stories/LiveRegion.story.vue'
import MarkdownLineStates from './stories/MarkdownLine.story.vue'
import MarkdownTextStates from './stories/MarkdownText.story.vue'
import MessageCardStates from './stories/MessageCard.story.vue'
import PresenceDotStates from './stories/PresenceDot.story.vue'
import SkeletonLinesStates from './stories/SkeletonLines.story.vue'
import StatusMarkStates from './stories/StatusMark.story.vue'
import SuggestionListStates from './stories/SuggestionList.story.vue'
import TextAreaStates from './stories/TextArea.story.vue'
import TextFieldStates from './stories/TextField.story.vue'
import ToastStackStates from './stories/ToastStack.story.vue'
import UiAvatarStates from './stories/UiAvatar.story.vue'
import UiBadgeStates from './stories/UiBadge.story.vue'
import UiButtonStates from './stories/UiButton.story.vue'
import UiCheckboxStates from './stories/UiCheckbox.story.vue'
import UiComboboxStates from './stories/UiCombobox.story.vue'
import UiDateFieldStates from './stories/UiDateField.story.vue'
import UiDialogStates from './stories/UiDialog.story.vue'
import UiMenuStates from './stories/UiMenu.story.vue'
import UiNoticeStates from './stories/UiNotice.story.vue'
import UiRadioGroupStates from './stories/UiRadioGroup.story.vue'
import UiSelectStates from './stories/UiSelect.story.vue'
import UiSplitterStates from './stories/UiSplitter.story.vue'
import UiSwitchStates from './stories/UiSwitch.story.vue'
import UiTabsStates from './stories/UiTabs.story.vue'

export default { title: 'Kit' }

const of = (states: Component) => ({ render: () => () => h(StorySection, null, () => h(states)) })

export const BotAvatar = of(BotAvatarStates)
export const CountBadge = of(CountBadgeStates)
export const EmptyState = of(EmptyStateStates)
export const IconButton = of(IconButtonStates)
export const KeyCaps = of(KeyCapsStates)
export const LiveRegion = of(LiveRegionStates)
export const MarkdownLine = of(MarkdownLineStates)
export const MarkdownText = of(MarkdownTextStates)
export const MessageCard = of(MessageCardStates)
export const PresenceDot = of(PresenceDotStates)
export const SkeletonLines = of(SkeletonLinesStates)
export const StatusMark = of(StatusMarkStates)
export const SuggestionList = of(SuggestionListStates)
export const TextArea = of(TextAreaStates)
export const TextField = of(TextFieldStates)
export const ToastStack = of(ToastStackStates)
export const UiAvatar = of(UiAvatarStates)
export const UiBadge = of(UiBadgeStates)
export const UiButton = of(UiButtonStates)
export const UiCheckbox = of(UiCheckboxStates)
export const UiCombobox = of(UiComboboxStates)
export const UiDateField = of(UiDateFieldStates)
export const UiDialog = of(UiDialogStates)
export const UiMenu = of(UiMenuStates)
export const UiNotice = of(UiNoticeStates)
export const UiRadioGroup = of(UiRadioGroupStates)
export const UiSelect = of(UiSelectStates)
export const UiSplitter = of(UiSplitterStates)
export const UiSwitch = of(UiSwitchStates)
export const UiTabs = of(UiTabsStates)

export const All = {
  render: () => () => [
    h(StorySection, { title: 'BotAvatar' }, () => h(BotAvatarStates)),
    h(StorySection, { title: 'CountBadge' }, () => h(CountBadgeStates)),
    h(StorySection, { title: 'EmptyState' }, () => h(EmptyStateStates)),
    h(StorySection, { title: 'IconButton' }, () => h(IconButtonStates)),
    h(StorySection, { title: 'KeyCaps' }, () => h(KeyCapsStates)),
    h(StorySection, { title: 'LiveRegion' }, () => h(LiveRegionStates)),
    h(StorySection, { title: 'MarkdownLine' }, () => h(MarkdownLineStates)),
    h(StorySection, { title: 'MarkdownText' }, () => h(MarkdownTextStates)),
    h(StorySection, { title: 'MessageCard' }, () => h(MessageCardStates)),
    h(StorySection, { title: 'PresenceDot' }, () => h(PresenceDotStates)),
    h(StorySection, { title: 'SkeletonLines' }, () => h(SkeletonLinesStates)),
    h(StorySection, { title: 'StatusMark' }, () => h(StatusMarkStates)),
    h(StorySection, { title: 'SuggestionList' }, () => h(SuggestionListStates)),
    h(StorySection, { title: 'TextArea' }, () => h(TextAreaStates)),
    h(StorySection, { title: 'TextField' }, () => h(TextFieldStates)),
    h(StorySection, { title: 'ToastStack' }, () => h(ToastStackStates)),
    h(StorySection, { title: 'UiAvatar' }, () => h(UiAvatarStates)),
    h(StorySection, { title: 'UiBadge' }, () => h(UiBadgeStates)),
    h(StorySection, { title: 'UiButton' }, () => h(UiButtonStates)),
    h(StorySection, { title: 'UiCheckbox' }, () => h(UiCheckboxStates)),
    h(StorySection, { title: 'UiCombobox' }, () => h(UiComboboxStates)),
    h(StorySection, { title: 'UiDateField' }, () => h(UiDateFieldStates)),
    h(StorySection, { title: 'UiDialog' }, () => h(UiDialogStates)),
    h(StorySection, { title: 'UiMenu' }, () => h(UiMenuStates)),
    h(StorySection, { title: 'UiNotice' }, () => h(UiNoticeStates)),
    h(StorySection, { title: 'UiRadioGroup' }, () => h(UiRadioGroupStates)),
    h(StorySection, { title: 'UiSelect' }, () => h(UiSelectStates)),
    h(StorySection, { title: 'UiSplitter' }, () => h(UiSplitterStates)),
    h(StorySection, { title: 'UiSwitch' }, () => h(UiSwitchStates)),
    h(StorySection, { title: 'UiTabs' }, () => h(UiTabsStates)),
  ],
}
