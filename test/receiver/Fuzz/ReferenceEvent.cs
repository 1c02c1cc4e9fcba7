using System.Globalization;
using System.Text;
using Brokkr.Core.Log;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>A record that an event must become: for every header the values that are right, the key, the data.</summary>
internal sealed record ReferenceRecord(Dictionary<string, string[]> Headers, string? Key, byte[]? Data)
{
    /// <summary>What is wrong with a record; null if nothing.</summary>
    public string? Difference(StoredRecord record)
    {
        var found = 0;
        foreach (var header in record.Headers)
        {
            var name = Encoding.Latin1.GetString(record.NameOf(header));
            if (name is "traceparent" or "tracestate" or "baggage")
            {
                continue;
            }

            if (!Headers.TryGetValue(name, out var right) || !Array.Exists(right, value => Is(record.ValueOf(header), value)))
            {
                return $"header {name}={Encoding.UTF8.GetString(record.ValueOf(header))}, not {string.Join(" or ", right ?? ["there"])}";
            }

            found++;
        }

        return found != Headers.Count ? $"{found} headers, not {Headers.Count}"
            : record.HasKey != (Key is not null) || !Is(record.Key, Key ?? "") ? $"key {Encoding.UTF8.GetString(record.Key)}, not {Key}"
            : record.HasValue != (Data is not null) ? $"value {(record.HasValue ? "there" : "not there")}"
            : !record.Value.Span.SequenceEqual(Data) ? $"value {Encoding.UTF8.GetString(record.Value.Span)}"
            : null;
    }

    private static bool Is(ReadOnlySpan<byte> bytes, string text) =>
        bytes.Length == Encoding.UTF8.GetByteCount(text) && bytes.SequenceEqual(Encoding.UTF8.GetBytes(text));
}

/// <summary>What the reference makes of a request.</summary>
/// <param name="Verdict">Whether it holds a valid event, or a batch of them, for the path that is served.</param>
/// <param name="Records">The records it becomes, unless it is invalid.</param>
/// <param name="Why">Why it is not valid.</param>
internal sealed record Reading(Verdict Verdict, List<ReferenceRecord> Records, string Why)
{
    public static Reading Invalid(string why) => new(Verdict.Invalid, [], why);
}

/// <summary>
/// Judges requests by the CloudEvents specification, its HTTP binding and its JSON format, without any code of the receiver.
/// </summary>
internal static class ReferenceEvent
{
    public static Reading Of(ReferenceRequest request, string path, int limit)
    {
        var target = request.Target;
        if (!target.StartsWith('/') && target.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme)
        {
            var slash = target.IndexOf('/', scheme + 3);
            target = slash < 0 ? "/" : target[slash..];
        }

        target = target.Split('?')[0];
        if (request.Method is not "POST" || (target != path && target != path + "/"))
        {
            return Reading.Invalid("method or path");
        }

        string[] types = [.. request.All("content-type")];
        string[] codings = [.. request.All("content-encoding")];
        if (types.Length > 1 || codings.Length > 1 || codings.Any(c => c is not "" && !Same(c, "identity")))
        {
            return Reading.Invalid("content type or coding");
        }

        if (request.Body.Length > limit)
        {
            return Reading.Invalid("too large");
        }

        var essence = types.Length == 0 ? "" : types[0].Split(';')[0].Trim(' ', '\t');
        return Same(essence, "application/cloudevents+json") ? Structured(request.Body)
            : Same(essence, "application/cloudevents-batch+json") ? Batch(request.Body)
            : essence.StartsWith("application/cloudevents", StringComparison.OrdinalIgnoreCase) ? Reading.Invalid("format")
            : Binary(request, types.Length == 0 ? null : types[0]);
    }

    private static Reading Binary(ReferenceRequest request, string? contentType)
    {
        var attributes = new ReferenceAttributes();
        foreach (var (header, wire) in request.Headers)
        {
            if (header.Length <= 3 || !header.StartsWith("ce-", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var name = header[3..].ToLowerInvariant();
            if (name is "data" or "datacontenttype")
            {
                return Reading.Invalid("ce-" + name);
            }

            attributes.Add(name, ReferenceRules.Utf8(ReferenceRules.Decode(wire)), ReferenceRules.Utf8(Encoding.Latin1.GetBytes(wire)));
        }

        if (contentType is not null)
        {
            attributes.Add("datacontenttype", ReferenceRules.Utf8(Encoding.Latin1.GetBytes(contentType)));
        }

        return attributes.Judge(request.Body.Length == 0 ? null : request.Body);
    }

    private static Reading Structured(byte[] body) =>
        Parse(body, out var text, out var verdict) is not { } value ? Reading.Invalid("no JSON") : Structured(text, value, verdict);

    private static Reading Batch(byte[] body)
    {
        if (Parse(body, out var text, out var verdict) is not { Kind: '[' } array)
        {
            return Reading.Invalid("no JSON array");
        }

        var all = new List<ReferenceRecord>();
        string? version = null;
        foreach (var (_, element) in array.Inner)
        {
            var one = Structured(text, element, verdict);
            if (one.Verdict == Verdict.Invalid)
            {
                return one;
            }

            verdict = one.Verdict > verdict ? one.Verdict : verdict;
            var its = one.Records[0].Headers["ce_specversion"][0];
            if ((version ??= its) != its)
            {
                return Reading.Invalid("versions differ");
            }

            all.AddRange(one.Records);
        }

        return new Reading(verdict, all, "");
    }

    private static ReferenceValue? Parse(byte[] body, out string text, out Verdict verdict)
    {
        text = ReferenceRules.Utf8(body) ?? "";
        text = text.StartsWith('\uFEFF') ? text[1..] : text;
        var value = ReferenceJson.Read(text, out var deepest);
        verdict = deepest <= ReferenceJson.DeepEnough ? Verdict.Valid : Verdict.Open;
        return deepest < ReferenceJson.TooDeep ? value : null;
    }

    private static Reading Structured(string text, ReferenceValue value, Verdict verdict)
    {
        if (value.Kind != '{')
        {
            return Reading.Invalid("no JSON object");
        }

        var attributes = new ReferenceAttributes { Verdict = verdict };
        ReferenceValue? data = null;
        ReferenceValue? base64 = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, member) in value.Inner)
        {
            if (name is null || !seen.Add(name))
            {
                return Reading.Invalid("a member that is repeated or has no name");
            }

            if (name is "data")
            {
                data = member;
            }
            else if (name is "data_base64")
            {
                base64 = member;
            }
            else if (member.Kind == 'n')
            {
                attributes.Verdict = ReferenceRules.IsName(name) ? attributes.Verdict : Verdict.Invalid;
            }
            else if (member.Kind is 't' or 'f' && !ReferenceAttributes.IsCore(name))
            {
                attributes.Add(name, member.Kind == 't' ? "true" : "false");
            }
            else if (
                member.Kind == '0'
                && !ReferenceAttributes.IsCore(name)
                && int.TryParse(text.AsSpan(member.Start..member.End), NumberStyles.Integer, CultureInfo.InvariantCulture, out var n)
            )
            {
                attributes.Add(name, n.ToString(CultureInfo.InvariantCulture));
            }
            else
            {
                attributes.Add(name, member.Kind == '"' ? member.Text : null);
            }
        }

        if (data is not null && base64 is not null)
        {
            return Reading.Invalid("data twice");
        }

        return attributes.JudgeJson(text, data, base64);
    }

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
