"""g2p-en's English words: .npz arrays of a GRU that reads letters and one that says sounds, run by NumPy."""
from subject import BATCH, EPOCHS, ROWS, Lesson, Subject

SAID = 20  # The package stops after so many sounds.


def package():
    """Returns the package's object without its dictionaries, which are downloads."""
    import nltk
    nltk.download = lambda *_, **__: False
    from g2p_en.g2p import G2p
    result = G2p.__new__(G2p)
    result.load_variables()
    return result


def words(rows, letters, seed):
    import numpy
    random = numpy.random.default_rng(seed)
    x = random.integers(3, 29, (rows, letters + 1), dtype=numpy.int32)
    x[:, -1] = 2
    said = random.integers(4, 74, (rows, SAID), dtype=numpy.int32)
    said[:, 0] = 2
    return {"letters": x, "said": said}


def keras_model(source):
    """Returns the two GRUs as one Keras model: what it says is given to it, one sound late."""
    import keras
    import numpy
    letters, said = (keras.Input((None,), dtype="int32", name=name) for name in ("letters", "said"))
    reader = keras.layers.GRU(source.enc_w_hh.shape[1], name="reader")
    speaker = keras.layers.GRU(source.dec_w_hh.shape[1], return_sequences=True, name="speaker")
    read, spoken = (keras.layers.Embedding(*source.enc_emb.shape, name="read"),
                    keras.layers.Embedding(*source.dec_emb.shape, name="spoken"))
    output = keras.layers.Dense(source.fc_w.shape[0], activation="softmax", name="sounds")
    model = keras.Model([letters, said], output(speaker(spoken(said), initial_state=reader(read(letters)))))

    def keras_gru(w_ih, w_hh, b_ih, b_hh):
        # PyTorch has the gates in the order reset, update, new; Keras update, reset, new.
        def turned(array):
            reset, update, new = numpy.split(array, 3)
            return numpy.concatenate([update, reset, new])
        return [turned(w_ih).T, turned(w_hh).T, numpy.stack([turned(b_ih), turned(b_hh)])]
    read.set_weights([source.enc_emb])
    spoken.set_weights([source.dec_emb])
    reader.set_weights(keras_gru(source.enc_w_ih, source.enc_w_hh, source.enc_b_ih, source.enc_b_hh))
    speaker.set_weights(keras_gru(source.dec_w_ih, source.dec_w_hh, source.dec_b_ih, source.dec_b_hh))
    output.set_weights([source.fc_w.T, source.fc_b])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def subject(folder):
    import numpy
    source = package()
    keras_model(source).save(folder / "g2p_en.keras")

    def answer(arrays):
        # The package's own code, which answers one word at a time, on the same sounds.
        rows = []
        for letters, said in zip(arrays["letters"], arrays["said"]):
            read = source.gru(
                numpy.take(source.enc_emb, letters[None], axis=0), len(letters), source.enc_w_ih, source.enc_w_hh,
                source.enc_b_ih, source.enc_b_hh, h0=numpy.zeros((1, source.enc_w_hh.shape[-1]), numpy.float32))
            state, logits = read[:, -1], []
            for sound in said:
                state = source.grucell(
                    numpy.take(source.dec_emb, [sound], axis=0), state, source.dec_w_ih, source.dec_w_hh,
                    source.dec_b_ih, source.dec_b_hh)
                logits.append(numpy.matmul(state, source.fc_w.T) + source.fc_b)
            rows.append(numpy.concatenate(logits))
        shares = numpy.exp(rows - numpy.max(rows, -1, keepdims=True))
        return shares / shares.sum(-1, keepdims=True)
    return Subject(
        format=".npz arrays → .keras", arguments=[folder / "g2p_en.keras"], inputs=words(ROWS, 9, 1),
        call=words(1, 9, 2), answer=answer)


def lesson(folder):
    model = keras_model(package())
    path = folder / "g2p_en_compiled.keras"
    model.save(path)
    x = words(ROWS, 9, 1)
    labels = model.predict(x, verbose=0).argmax(-1).astype("int32")

    def train():
        return model.fit(x, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history["loss"]
    return Lesson(arguments=[path], inputs=x, labels=labels, train=train)
