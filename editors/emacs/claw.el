;;; claw.el --- The coding agent claw-lsp, through lsp-mode or eglot  -*- lexical-binding: t -*-

;;; Commentary:

;; With lsp-mode claw-lsp runs beside the language's own server, in every buffer where lsp-mode is on.
;; eglot has one server for a buffer: there M-x claw-eglot puts claw-lsp in the place of the language's own.
;;
;; The code-action menu (lsp-execute-code-action, eglot-code-actions) has all that Claw offers at a place; the commands
;; below are for keys, with the file and the region filled in.  Emacs 28 or newer.

;;; Code:

(require 'cl-lib)
(require 'eieio)
(require 'seq)

(defgroup claw nil "The coding agent claw-lsp." :group 'tools)

(defcustom claw-program "claw-lsp" "The program; `claw-lsp init emacs' says its absolute path." :type 'string)

;;;; Commands

(defun claw-ask (prompt)
  "Ask Claw PROMPT, about the region or the place in this file."
  (interactive (list (read-string "Ask Claw: ")))
  (claw--begin "claw.ask" prompt))

(defun claw-edit (prompt)
  "Let Claw edit the region, or this file, as PROMPT says."
  (interactive (list (read-string "Edit: ")))
  (claw--begin "claw.edit" prompt))

(defun claw-fix () "Let Claw fix what is wrong here." (interactive) (claw--begin "claw.fix"))
(defun claw-explain () "Let Claw explain the region or this place." (interactive) (claw--begin "claw.explain"))
(defun claw-tests () "Let Claw write tests for the region or this place." (interactive) (claw--begin "claw.tests"))
(defun claw-document () "Let Claw document the region or this place." (interactive) (claw--begin "claw.document"))
(defun claw-refactor () "Let Claw refactor the region or this place." (interactive) (claw--begin "claw.refactor"))
(defun claw-review () "Let Claw review the region or this file." (interactive) (claw--begin "claw.review"))

(defun claw-actions ()
  "Show the menu of code actions: what Claw offers here, answers to its questions, changes to keep or revert."
  (interactive)
  (cond ((claw--lsp) (call-interactively 'lsp-execute-code-action))
        ((claw--eglot) (call-interactively 'eglot-code-actions))
        (t (claw--nobody))))

(defun claw-chat ()
  "Open the chat of this workspace.  Write at its end, and `claw-send'."
  (interactive)
  (claw--request "claw.chat"))

(defun claw-send ()
  "Send what stands in the prompt of this chat."
  (interactive)
  (claw--request "claw.send" (list :uri (claw--uri))))

(defun claw-stop ()
  "Stop every running turn."
  (interactive)
  (claw--request "claw.stop" nil
                 (lambda (answer) (message "Claw: %d stopped" (length (claw--get answer "stopped"))))))

(defun claw-status ()
  "Say model, mode, context, cost and what is running."
  (interactive)
  (claw--request "claw.status"))

(defun claw-answer ()
  "Answer a question of Claw's that waits; one that was left with \\[keyboard-quit], too."
  (interactive)
  (claw--request
   "claw.questions" nil
   (lambda (answer)
     (let* ((questions (append (claw--get answer "questions") nil))
            (question (if (cdr questions)
                          (claw--pick "Question: " questions (lambda (it) (claw--get it "title")))
                        (car questions))))
       (if (not question)
           (message "Claw asks nothing")
         (let ((choice (claw--pick (concat (claw--get question "title") " ")
                                   (append (claw--get question "choices") nil)
                                   (lambda (it) (claw--get it "title")))))
           (claw--request "claw.answer" (list :question (claw--get question "question")
                                              :choice (claw--get choice "choice")))))))))

(defun claw-keep (everything)
  "Keep Claw's changes on this line, or in the region; with prefix EVERYTHING all in this file.  Proposals are applied."
  (interactive "P")
  (claw--settle "claw.keep" "claw.apply" everything))

(defun claw-revert (everything)
  "Take back Claw's changes on this line, or in the region; with prefix EVERYTHING all in this file.
Proposals are dismissed."
  (interactive "P")
  (claw--settle "claw.undo" "claw.dismiss" everything))

(defun claw-next-hunk (&optional n)
  "Go to the Nth next change of Claw's in this file that waits for review."
  (interactive "p")
  (let ((line (1- (line-number-at-pos nil t))) (buffer (current-buffer)))
    (claw--hunks
     (claw--uri)
     (lambda (hunks)
       (let* ((lines (delete-dups (sort (mapcar #'claw--line hunks) #'<)))
              (there (if (> (or n 1) 0)
                         (nth (1- (or n 1)) (seq-filter (lambda (it) (> it line)) lines))
                       (nth (- (1+ n)) (reverse (seq-filter (lambda (it) (< it line)) lines))))))
         (if (not there)
             (message "Claw: no change waits there")
           (with-current-buffer buffer
             (goto-char (point-min))
             (forward-line there))))))))

(defun claw-previous-hunk (&optional n)
  "Go to the Nth previous change of Claw's in this file that waits for review."
  (interactive "p")
  (claw-next-hunk (- (or n 1))))

(defun claw-hunks ()
  "List all changes of Claw's that wait for review; \\[next-error] goes through them."
  (interactive)
  (let ((client (claw--client)))
    (claw--hunks
     nil
     (lambda (hunks)
       (with-current-buffer (get-buffer-create "*claw hunks*")
         (let ((inhibit-read-only t))
           (erase-buffer)
           (dolist (it hunks)
             (let ((path (claw--path client (claw--get it "uri"))) (line (claw--line it)))
               (insert (format "%s:%d: %s %s\n" path (1+ line) (claw--get it "state") (claw--words it path line)))))
           (unless hunks (insert "No change of Claw's waits for review.\n"))
           (grep-mode)
           (goto-char (point-min)))
         (display-buffer (current-buffer)))))))

(defvar claw-command-map
  (let ((map (make-sparse-keymap)))
    (dolist (it '(("RET" . claw-actions) ("a" . claw-ask) ("e" . claw-edit) ("f" . claw-fix) ("x" . claw-explain)
                  ("t" . claw-tests) ("d" . claw-document) ("m" . claw-refactor) ("v" . claw-review)
                  ("c" . claw-chat) ("s" . claw-send) ("q" . claw-stop) ("?" . claw-status) ("y" . claw-answer)
                  ("h" . claw-hunks) ("k" . claw-keep) ("r" . claw-revert)
                  ("n" . claw-next-hunk) ("p" . claw-previous-hunk)))
      (define-key map (kbd (car it)) (cdr it)))
    map)
  "The commands, by one key each.")
(fset 'claw-command-map claw-command-map)

;;;; What they share

(defun claw--begin (command &optional prompt)
  "Start a turn with COMMAND about the region, else the place in this file, and the words of PROMPT."
  (claw--request command
                 (append (list :uri (claw--uri) :range (claw--range)) (and prompt (list :prompt prompt)))
                 (lambda (answer)
                   (claw--answered answer)
                   (when (claw--get answer "run")
                     (message "Claw is at work")))))

(defun claw--settle (command for-proposals everything)
  "Do COMMAND to the hunks of the region or the line, or to EVERYTHING in this file; to proposals FOR-PROPOSALS."
  (let* ((uri (claw--uri)) (range (claw--range))
         (first (plist-get (plist-get range :start) :line))
         (last (plist-get (plist-get range :end) :line))
         (fits (lambda (it) (or everything (and (<= (claw--line it) last) (>= (claw--line it 'end) first))))))
    (claw--hunks
     uri
     (lambda (hunks)
       (let* ((here (seq-filter fits hunks))
              (commands (mapcar (lambda (it) (if (equal (claw--get it "state") "proposed") for-proposals command)) here)))
         (unless here
           (message "Claw: no change waits %s" (if everything "in this file" "on this line")))
         (if everything
             (dolist (it (delete-dups commands))
               (claw--request it (list :uri uri)))
           (cl-mapc (lambda (it command) (claw--request command (list :hunk (claw--get it "hunk")))) here commands)))))))

(defun claw--hunks (uri done)
  "Call DONE with the list of the hunks of URI, or of all files."
  (claw--request "claw.hunks" (and uri (list :uri uri))
                 (lambda (answer) (funcall done (append (claw--get answer "hunks") nil)))))

(defun claw--line (hunk &optional end)
  "The line where HUNK begins, or its last one with END, from 0."
  (let* ((range (claw--get hunk "range")) (at (claw--get range (if end "end" "start")))
         (line (claw--get at "line")))
    (if (and end (zerop (claw--get at "character")) (> line (claw--line hunk))) (1- line) line)))

(defun claw--words (hunk path line)
  "What is shown of HUNK in a list: its LINE in the file at PATH, if that is open, else what was written or taken out."
  (let ((buffer (find-buffer-visiting path)))
    (string-trim
     (if (not buffer)
         (car (split-string (string-trim (concat (claw--get hunk "after") "\n" (claw--get hunk "before"))) "\n"))
       (with-current-buffer buffer
         (save-excursion
           (goto-char (point-min))
           (forward-line line)
           (buffer-substring-no-properties (point) (line-end-position))))))))

(defun claw--answered (answer)
  "Say what ANSWER has to say, and open the document that it names, if nobody did."
  (let ((path (claw--get answer "path")) (text (claw--get answer "text")))
    (cond (path (unless (eq (claw--get answer "shown") t)
                  (claw--open path)))
          (text (message "%s" (string-trim text))))))

(defun claw--open (path)
  "Show the document at PATH, known to claw-lsp, with point at its end, where a chat has its prompt."
  (let ((client (claw--client)))
    (pop-to-buffer (find-file-noselect path))
    (claw--join client)
    (goto-char (point-max))))

(defun claw--pick (prompt things title)
  "Ask with PROMPT for one of THINGS, shown by the function TITLE."
  (let ((titles (mapcar (lambda (it) (cons (funcall title it) it)) things)))
    (cdr (assoc (completing-read prompt titles nil t) titles))))

(defun claw--get (object key)
  "The value of the string KEY in OBJECT, a hash table or a plist."
  (if (hash-table-p object)
      (gethash key object)
    (plist-get object (intern (concat ":" key)))))

;;;; The two clients

(defvar lsp--cur-workspace)
(defvar lsp-language-id-configuration)
(defvar eglot-server-programs)
;; The one name is that of eglot 1.9, the other that of later ones.
(defvar eglot-confirm-server-initiated-edits)
(defvar eglot-confirm-server-edits)

(defun claw--lsp ()
  "lsp-mode's workspace of claw-lsp: this buffer's, else any."
  (and (featurep 'lsp-mode)
       (or (seq-find (lambda (it) (eq (lsp--workspace-server-id it) 'claw)) (lsp-workspaces))
           (lsp-find-workspace 'claw nil))))

(defun claw--eglot ()
  "eglot's server object of claw-lsp: this buffer's, else any."
  (and (featurep 'eglot)
       (let ((mine (eglot-current-server)))
         (if (claw--eglot-p mine)
             mine
           (cl-loop for servers being the hash-values of eglot--servers-by-project
                    thereis (seq-find #'claw--eglot-p servers))))))

(defun claw--eglot-p (it)
  "Whether IT is eglot's server object of claw-lsp."
  (and (recordp it) (eq (type-of it) 'claw-eglot-server)))

(defun claw--client ()
  "Who speaks to claw-lsp for this buffer: lsp-mode's workspace, or eglot's server."
  (or (claw--lsp) (claw--eglot) (claw--nobody)))

(defun claw--nobody ()
  "Say how to start."
  (user-error "Claw is not running: M-x lsp, or M-x claw-eglot, in a buffer with a file"))

(defun claw--request (command &optional args done)
  "Send COMMAND with the plist ARGS; DONE, else `claw--answered', gets the answer."
  (let ((params (list :command command :arguments (vector (or args (make-hash-table)))))
        (done (or done #'claw--answered))
        (client (claw--client)))
    (if (claw--lsp)
        (let ((lsp--cur-workspace client))
          (lsp-request-async "workspace/executeCommand" params done :mode 'detached :error-handler #'claw--failed))
      (claw--tell)
      (jsonrpc-async-request client :workspace/executeCommand params
                             :success-fn done :error-fn #'claw--failed :timeout 600))
    nil))

(defun claw--failed (problem)
  "Say what PROBLEM the server has with a command."
  (message "Claw: %s" (or (claw--get problem "message") problem)))

(defun claw--uri ()
  "The URI of this buffer's file, as the client writes it."
  (unless buffer-file-name
    (user-error "Claw: this buffer has no file"))
  (if (claw--lsp)
      (lsp--buffer-uri)
    (claw--client)
    (plist-get (eglot--TextDocumentIdentifier) :uri)))

(defun claw--path (client uri)
  "The file of URI, as CLIENT reads it."
  (cond ((not (claw--eglot-p client)) (lsp--uri-to-path uri))
        ((fboundp 'eglot-uri-to-path) (eglot-uri-to-path uri))
        (t (eglot--uri-to-path uri))))

(defun claw--range ()
  "The region, else the place, as a range of the protocol."
  (let ((start (if (use-region-p) (region-beginning) (point)))
        (end (if (use-region-p) (region-end) (point)))
        (place (if (claw--lsp) #'lsp--point-to-position #'eglot--pos-to-lsp-position)))
    (list :start (funcall place start) :end (funcall place end))))

(defun claw--join (client)
  "Let CLIENT manage this buffer."
  (cond ((not (claw--eglot-p client))
         (unless (bound-and-true-p lsp-mode) (lsp)))
        ((not (bound-and-true-p eglot--managed-mode))
         (when (eq major-mode 'fundamental-mode) (text-mode))
         (if (fboundp 'eglot--languages)
             (cl-pushnew (cons major-mode "plaintext") (eglot--languages client) :key #'car)
           (cl-pushnew major-mode (eglot--major-modes client)))
         (eglot--maybe-activate-editing-mode))))

(defun claw--tell ()
  "Let eglot tell at once what changed in this buffer; by itself it waits until Emacs is idle."
  (when (bound-and-true-p eglot--managed-mode)
    (eglot--signal-textDocument/didChange)))

(defun claw--input (params)
  "Ask for the words that claw-lsp wants; null where the person quits."
  (condition-case nil
      (read-string (concat (claw--get params "title") ": ") (claw--get params "value"))
    (quit nil)))

(with-eval-after-load 'lsp-mode
  (let ((handlers (make-hash-table :test 'equal)) (requests (make-hash-table :test 'equal)))
    ;; lsp-mode 8 would send a command of a code action to every server of the buffer, and wait for the answer.
    (dolist (it '("ask" "chat" "send" "edit" "explain" "tests" "document" "refactor" "fix" "review" "steer" "retry"
                  "stop" "fork" "rewind" "answer" "keep" "undo" "apply" "dismiss" "diff"))
      (puthash (concat "claw." it)
               (lambda (action) (claw--request (claw--get action "command") (claw--first (claw--get action "arguments"))))
               handlers))
    (puthash "claw/input" (lambda (_workspace params) (claw--input params)) requests)
    (lsp-register-client
     (make-lsp-client :new-connection (lsp-stdio-connection (lambda () (list claw-program "serve")))
                      :activation-fn (lambda (&rest _) t)
                      :add-on? t
                      :multi-root t
                      :priority -1
                      :action-handlers handlers
                      :request-handlers requests
                      :custom-capabilities '((experimental . ((claw . ((input . t))))))
                      :server-id 'claw))))

(defun claw--first (arguments)
  "The only one of a command's ARGUMENTS."
  (and (> (length arguments) 0) (elt arguments 0)))

;;;###autoload
(defun claw-eglot ()
  "Let eglot talk to claw-lsp in this buffer, in place of the language's own server."
  (interactive)
  (require 'eglot)
  (let ((running (claw--eglot))
        (eglot-server-programs `((,major-mode . (claw-eglot-server ,claw-program "serve")))))
    (if running
        (claw--join running)
      (call-interactively #'eglot))))

(with-eval-after-load 'eglot
  (eval
   ;; The class above it is known only now.
   '(progn
      (defclass claw-eglot-server (eglot-lsp-server) () "claw-lsp, as eglot sees it.")

      (cl-defmethod eglot-client-capabilities ((_server claw-eglot-server))
        (append (cl-call-next-method) '(:experimental (:claw (:input t)))))

      (cl-defmethod eglot-handle-request ((_server claw-eglot-server) (_method (eql 'claw/input)) &rest params)
        (claw--input params))

      (cl-defmethod eglot-handle-request ((server claw-eglot-server) (_method (eql 'workspace/applyEdit)) &key edit
                                          &allow-other-keys)
        "Claw asked before it edits: eglot need not ask again.  What came of it is told at once."
        (let ((buffers (mapcar (lambda (it) (claw--visit server it)) (claw--edited edit)))
              (eglot-confirm-server-initiated-edits nil)
              (eglot-confirm-server-edits nil))
          (prog1 (cl-call-next-method)
            (dolist (it buffers)
              (with-current-buffer it (claw--tell))))))

      (cl-defmethod eglot-execute-command ((_server claw-eglot-server) command arguments)
        "Without waiting: Emacs could not answer the server's questions meanwhile."
        (claw--request (format "%s" command) (claw--first arguments))))
   t))

(defun claw--edited (edit)
  "The URIs that the workspace EDIT changes."
  (append (mapcar (lambda (it) (plist-get (plist-get it :textDocument) :uri)) (plist-get edit :documentChanges))
          (cl-loop for (uri) on (plist-get edit :changes) by #'cddr
                   collect (if (keywordp uri) (substring (symbol-name uri) 1) uri))))

(defun claw--visit (server uri)
  "The buffer of the file at URI, told of to SERVER."
  (with-current-buffer (find-file-noselect (claw--path server uri))
    (claw--join server)
    (current-buffer)))

(provide 'claw)
;;; claw.el ends here
