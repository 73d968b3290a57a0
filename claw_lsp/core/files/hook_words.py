"""Hooks in words: when each event happens, what its matcher is held against, what a handler's fields say."""

from __future__ import annotations

from typing import Final

EVENTS: Final = {
    "SessionStart": "A session begins, goes on after a restart, or was compacted. What it prints is told to the model.",
    "Setup": "A folder is set up.",
    "UserPromptSubmit": "You sent a prompt. Exit 2 refuses it; what it prints is told to the model.",
    "UserPromptExpansion": "A command became a prompt. Exit 2 refuses it; what it prints is told to the model.",
    "PreToolUse": "Before a call is judged. Exit 2 refuses it and tells the model why; JSON may allow, ask, or change the input.",
    "PermissionRequest": "Before you are asked about a call. JSON may answer for you.",
    "PermissionDenied": "A call was refused in the mode auto. JSON may let the model try again.",
    "PostToolUse": "After a call that worked. Exit 2 tells the model what is wrong with it.",
    "PostToolUseFailure": "After a call that failed. JSON may tell the model more.",
    "PostToolBatch": "After all calls of one reply. Exit 2 ends the turn.",
    "Notification": "You are asked, or a turn waits for you. It decides nothing.",
    "MessageDisplay": "Text of the model is shown. JSON may change what you see, never what was said.",
    "SubagentStart": "A subagent begins.",
    "SubagentStop": "A subagent is done. Exit 2 keeps it going.",
    "TaskCreated": "The model wrote down a task. Exit 2 takes it back.",
    "TaskCompleted": "The model called a task done. Exit 2 refuses that.",
    "Stop": "The model is done. Exit 2 keeps it going, with what was printed as the reason.",
    "StopFailure": "A turn ended by a fault of the model's server. It decides nothing.",
    "TeammateIdle": "A teammate has nothing to do. Exit 2 keeps it going.",
    "InstructionsLoaded": "An instruction file was read. It decides nothing.",
    "ConfigChange": "A settings file changed. Exit 2 keeps what was in force.",
    "CwdChanged": "The shell went to another folder. It may name paths to watch.",
    "DirectoryAdded": "A folder was added to the session. It decides nothing.",
    "FileChanged": "A file that is watched changed. It may name further paths.",
    "WorktreeCreate": "A working tree is wanted; what it prints is its path.",
    "WorktreeRemove": "A working tree is given up.",
    "PreCompact": "Before a session is made shorter. Exit 2 refuses that.",
    "PostCompact": "After a session was made shorter. It decides nothing.",
    "PreModelSwitch": "Before another model is taken. Exit 2 refuses that.",
    "PostModelSwitch": "After another model was taken. What it prints is told to the model.",
    "Elicitation": "An MCP server asks you something. JSON may answer for you.",
    "ElicitationResult": "You answered an MCP server. JSON may change the answer.",
    "SessionEnd": "A session ends. It decides nothing.",
}
"""Every event of the conventions."""

MATCHED: Final = {
    "SessionStart": ("startup", "resume", "clear", "compact", "fork"),
    "Setup": ("init", "maintenance"),
    "Notification": ("permission_prompt", "idle_prompt", "auth_success", "elicitation_dialog"),
    "StopFailure": (
        "rate_limit",
        "overloaded",
        "authentication_failed",
        "billing_error",
        "invalid_request",
        "model_not_found",
        "server_error",
        "max_output_tokens",
        "unknown",
    ),
    "InstructionsLoaded": ("session_start", "nested_traversal", "path_glob_match", "include", "compact"),
    "ConfigChange": ("user_settings", "project_settings", "local_settings", "policy_settings", "skills"),
    "DirectoryAdded": ("slash_command", "register_repo_root"),
    "PreCompact": ("manual", "auto"),
    "PostCompact": ("manual", "auto"),
    "SessionEnd": ("clear", "resume", "logout", "prompt_input_exit", "other"),
}
"""What a matcher is held against, for events where these are few. Of events about a call it is the tool's name."""

FIELDS: Final = {
    "type": "What the handler is: a program, an address, a tool of an MCP server, a question to a small model, or an agent.",
    "if": "A permission rule such as `Bash(git push *)`: only calls that it means. For events about a call.",
    "timeout": "Seconds it may take; 600 if not set, 30 for a prompt, 60 for an agent, less for some events.",
    "statusMessage": "What is shown while it runs.",
    "once": "It runs once in a session.",
    "onFailure": "`block`: where it cannot be run, the call is refused.",
    "command": "A shell line, or with `args` a program. It is given what happened as JSON on its standard input.",
    "args": "Arguments of the program; no shell reads them.",
    "async": "It runs behind, and decides nothing.",
    "asyncRewake": "It runs behind; exit 2 begins a turn with what it printed.",
    "shell": "What reads the line; only bash is run here.",
    "url": "Where what happened is posted to, as JSON.",
    "headers": "Headers of that request; `$NAME` of the variables in `allowedEnvVars` are filled in.",
    "allowedEnvVars": "Environment variables that headers may hold.",
    "server": "The MCP server whose tool is called.",
    "tool": "The tool that is called.",
    "input": "What it is called with; `${tool_input.path}` stands for what the event says.",
    "prompt": "What the model is asked; `$ARGUMENTS` stands for what happened.",
    "model": "The model that is asked; the small one if not set.",
    "continueOnBlock": "What it refuses is told, and the turn goes on.",
}
OF_TYPE: Final = {
    "command": ("command", "args", "async", "asyncRewake", "shell", "onFailure"),
    "http": ("url", "headers", "allowedEnvVars", "onFailure"),
    "mcp_tool": ("server", "tool", "input"),
    "prompt": ("prompt", "model", "continueOnBlock"),
    "agent": ("prompt", "model"),
}
"""The fields of each type, the needed ones first; the others are of all types."""
NEEDED: Final = {
    "command": ("command",),
    "http": ("url",),
    "mcp_tool": ("server", "tool"),
    "prompt": ("prompt",),
    "agent": ("prompt",),
}
