namespace CsiThin.Core.Device.Latency;

/// <summary>A histogram with the tags it is told apart by.</summary>
public readonly record struct LatencyReading(LatencyHistogram Histogram, params KeyValuePair<string, object?>[] Tags);
