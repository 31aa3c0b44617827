"""Quality: how good each load is, where records are lost, what may not be published, what nobody has to type twice."""
