using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>The attributes of one event, as they are found, and the rules that hold for them together.</summary>
internal sealed class ReferenceAttributes
{
    private readonly Dictionary<string, (string Value, string? Other)> _values = new(StringComparer.Ordinal);
    private string _why = "";

    public Verdict Verdict { get; set; }

    public static bool IsCore(string name) =>
        name is "specversion" or "id" or "source" or "type" or "subject" or "time" or "dataschema" or "datacontenttype";

    /// <summary>Adds one. A URI may have been meant as it was sent, with percent signs of its own.</summary>
    public void Add(string name, string? value, string? asSent = null)
    {
        string? other = null;
        if (asSent is not null && name is "source" or "dataschema" or "schemaurl")
        {
            var (decoded, sent) = (ReferenceRules.Uri(value), ReferenceRules.Uri(asSent));
            if (decoded == Verdict.Invalid && sent == Verdict.Valid)
            {
                value = asSent;
            }
            else if (decoded == Verdict.Open || (decoded == Verdict.Invalid && sent == Verdict.Open))
            {
                Limit(Verdict.Open, name);
                (value, other) = (asSent, decoded == Verdict.Open ? value : null);
            }
        }

        Limit(ReferenceRules.IsName(name) && name is not "data" ? ReferenceRules.Text(value) : Verdict.Invalid, name);
        if (!_values.TryAdd(name, (value ?? "", other)))
        {
            Limit(Verdict.Invalid, name + " twice");
        }
    }

    public Reading JudgeJson(string text, ReferenceValue? data, ReferenceValue? base64)
    {
        if (data is not null)
        {
            _values.TryAdd("datacontenttype", ("application/json", null));
        }

        var contentType = _values.TryGetValue("datacontenttype", out var type) ? type.Value : null;
        if (contentType is not null)
        {
            Limit(ReferenceRules.MediaType(contentType), "datacontenttype");
        }

        if (data is not null && IsVersion03 && _values.TryGetValue("datacontentencoding", out var coding) && coding.Value is "base64")
        {
            (data, base64) = (null, data);
        }

        byte[]? bytes = null;
        if (base64 is not null)
        {
            var verdict = Verdict.Invalid;
            bytes = base64.Text is null ? null : ReferenceRules.Base64(base64.Text, out verdict);
            Limit(verdict, "data_base64");
        }
        else if (data is not null && ReferenceRules.IsJson(contentType!))
        {
            bytes = Encoding.UTF8.GetBytes(text[data.Start..data.End]);
        }
        else if (data is not null)
        {
            bytes = data.Text is null ? null : Encoding.UTF8.GetBytes(data.Text);
            Limit(bytes is null ? Verdict.Invalid : Verdict.Valid, "data");
        }

        return Judge(bytes);
    }

    public Reading Judge(byte[]? data)
    {
        if (IsVersion03)
        {
            _values.Remove("datacontentencoding");
        }

        Limit(
            _values.TryGetValue("specversion", out var version) && version.Value is "1.0" or "0.3" ? Verdict.Valid : Verdict.Invalid,
            "specversion"
        );
        foreach (var name in (string[])["id", "source", "type"])
        {
            Limit(_values.ContainsKey(name) ? Verdict.Valid : Verdict.Invalid, name + " missing");
        }

        var schema = IsVersion03 ? "schemaurl" : "dataschema";
        foreach (var name in (string[])["id", "source", "type", "subject", "datacontenttype", schema])
        {
            Limit(_values.TryGetValue(name, out var value) && value.Value.Length == 0 ? Verdict.Invalid : Verdict.Valid, name + " empty");
        }

        JudgeUri("source");
        JudgeUri(schema);
        if (_values.TryGetValue("time", out var time))
        {
            var canonical = ReferenceRules.Time(time.Value, out var verdict);
            Limit(verdict, "time");
            _values["time"] = (canonical ?? "", null);
        }

        // Only the size of all headers together is limited, and the number of extensions in JSON.
        Limit(_values.Count > 1000 ? Verdict.Open : Verdict.Valid, "count");
        if (Verdict == Verdict.Invalid)
        {
            return Reading.Invalid(_why);
        }

        var headers = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var (name, (value, other)) in _values)
        {
            headers.Add(name is "datacontenttype" ? "content-type" : "ce_" + name, other is null ? [value] : [value, other]);
        }

        var key = _values.TryGetValue("partitionkey", out var found) ? found.Value : null;
        return new Reading(Verdict, [new ReferenceRecord(headers, key, data)], _why);
    }

    private bool IsVersion03 => _values.TryGetValue("specversion", out var version) && version.Value is "0.3";

    private void JudgeUri(string name)
    {
        if (_values.TryGetValue(name, out var value))
        {
            var one = ReferenceRules.Uri(value.Value);
            var other = value.Other is null ? one : ReferenceRules.Uri(value.Other);
            Limit(one < other ? one : other, name);
        }
    }

    private void Limit(Verdict verdict, string why)
    {
        if (verdict > Verdict)
        {
            Verdict = verdict;
            _why = why;
        }
    }
}
