--- Questions of the server's: shown when the person's hands are still, and answered by `:Claw answer` at any time.
local calm = require('claw.calm')
local say = require('claw.say')
local M = {}

local waiting = {}

local function drop(question)
  for n, it in ipairs(waiting) do
    if it == question then
      table.remove(waiting, n)
      return true
    end
  end
end

--- `window/showMessageRequest`, in a coroutine: the action that was picked, or vim.NIL, which leaves it pending.
function M.ask(params)
  for _, it in ipairs(vim.list_slice(waiting)) do
    if it.message == params.message then
      -- The server shows it again; the one that still waits here for its moment goes.
      it.give_up()
    end
  end
  local here = coroutine.running()
  local question = { message = params.message }
  local function answer(value)
    if drop(question) then
      vim.schedule(function()
        coroutine.resume(here, value or vim.NIL)
      end)
    end
  end
  question.give_up = function()
    question.withdraw()
    answer(nil)
  end
  table.insert(waiting, question)
  if calm.typing() then
    say.say('Claw asks (:Claw answer): ' .. params.message)
  end
  question.withdraw = calm.open(false, function(closed)
    question.shown = true
    vim.ui.select(params.actions or {}, {
      kind = 'lsp_message',
      prompt = params.message .. ': ',
      format_item = function(action)
        return (action.title:gsub('\r?\n', ' '))
      end,
    }, function(picked)
      closed()
      answer(picked)
    end)
  end)
  return coroutine.yield()
end

--- So many questions wait at the server: where none does, the ones that wait here for their moment are over.
function M.counted(n)
  if n == 0 then
    for _, it in ipairs(vim.list_slice(waiting)) do
      if not it.shown then
        it.give_up()
      end
    end
  end
end

--- How many wait here for a quiet moment or for their answer.
function M.n_waiting()
  return #waiting
end

local function send(question, choice, words)
  local args = { question = question.question, choice = choice, text = words ~= '' and words or nil }
  require('claw.send').command('answer', args, function() end)
end

local function choose(question)
  vim.ui.select(question.choices, {
    prompt = question.title .. ': ',
    format_item = function(it)
      return it.title
    end,
  }, function(picked)
    if picked then
      send(question, picked.choice, '')
    end
  end)
end

local function with_question(questions, then_)
  if #questions == 0 then
    say.say('No question waits for an answer.')
  elseif #questions == 1 then
    then_(questions[1])
  else
    vim.ui.select(questions, {
      prompt = 'Which question? ',
      format_item = function(it)
        return (it.title:gsub('\r?\n', ' '))
      end,
    }, function(picked)
      if picked then
        then_(picked)
      end
    end)
  end
end

--- `:Claw answer [CHOICE [WORDS]]`: without a choice the choices are shown.
function M.answer(words)
  local choice, text = words:match('^(%S+)%s*(.*)$')
  require('claw.send').command('questions', {}, function(answer)
    with_question(answer.questions or {}, function(question)
      if choice then
        send(question, choice, text)
      else
        choose(question)
      end
    end)
  end)
end

return M
