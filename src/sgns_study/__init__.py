"""Does pretraining word vectors help a text classifier, and which choices matter?"""
