namespace CsiThin.Core.Nbd;

/// <summary>An export exists and may not be opened now. The message is sent to the client as it is: one sentence, no internals.</summary>
public sealed class NbdRefusedException(string message, Exception? inner = null) : Exception(message, inner);
