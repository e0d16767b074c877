"""The assistant: fine-tuning, a reward model, and learning from people's rankings.

Chapters: sft, reward, ppo, dpo, overoptimisation. Beside them: chat (the template),
preferences and tastes (who prefers what), policy_gradient (arithmetic), rollouts
(writing and scoring replies), grpo (of dpo), exam (how good an assistant is).
"""
