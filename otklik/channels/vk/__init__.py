"""The community of VKontakte: messages, comments on its wall, posts proposed to it."""
