"""What a text becomes on the air: the GSM alphabet, UCS-2, the parts and their headers.

Pure, and free of the gateway's domain. A septet of the GSM 7 bit alphabets is one octet everywhere
but in `packed_septets`, as SMPP carries it: packing eight septets in seven octets is the message
centre's business, unless a carrier wants it from us.
"""
